# One image for the API, the worker and the migration; `docker-compose.yml` runs the three.
#
#   docker build -t archcast .
#   docker build -t archcast --build-arg PIP_ARGS="--extra-index-url <PyTorch's index of CPU builds>" .   # no CUDA

ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ARG PIP_ARGS=""
ENV PIP_BUILD_CONSTRAINT=/src/constraints.txt \
    PIP_CONSTRAINT=/src/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/archcast
# The dependencies are a layer of their own: a change of the code does not download torch again.
COPY constraints.txt pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'], *p['optional-dependencies']['server'], sep='\n')" > requirements.txt \
    && /opt/archcast/bin/pip install ${PIP_ARGS} -r requirements.txt
COPY . .
RUN /opt/archcast/bin/pip install --no-deps .

FROM python:${PYTHON_VERSION}-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/archcast --create-home archcast
COPY --from=build /opt/archcast /opt/archcast
# Uploads are spooled to TMPDIR: on the volume, because /tmp may be memory.
ENV PATH=/opt/archcast/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ARCHCAST_DATA_DIR=/var/lib/archcast \
    TMPDIR=/var/lib/archcast \
    ARCHCAST_HOST=0.0.0.0 \
    ARCHCAST_PORT=8000
USER archcast
WORKDIR /var/lib/archcast
VOLUME /var/lib/archcast
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["archcast"]
CMD ["serve"]
