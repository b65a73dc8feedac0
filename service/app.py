"""Builds the HTTP application from its settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from service import problems
from service.jobs.worker import Workers, embedded_threads
from service.metrics import Metrics
from service.middleware import BodyLimitMiddleware, RequestContextMiddleware
from service.openapi import ArchcastApi, add_documentation_page
from service.routes import ROUTERS
from service.settings import Settings
from service.state import open_state

_SUMMARY = "Forecasts what a neural architecture costs on a device and finds the architectures worth building on it."


def create_app(settings: Settings) -> FastAPI:
    """The application; nothing is opened before its lifespan starts.

    The database need not be up to date or reachable at start: `/readyz` says so, and requests answer 503.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = open_state(settings, metrics)
        app.state.archcast = state
        workers = Workers(state, embedded_threads(settings))
        workers.start()
        try:
            yield
        finally:
            workers.stop()
            state.engine.dispose()

    app = ArchcastApi(
        title="archcast",
        summary=_SUMMARY,
        version=version("archcast"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # to a path with other slashes, without a problem document
    )
    problems.install(app)
    for router in ROUTERS:  # their routes as they are: to include the routers would build each route once more
        app.router.routes.extend(router.routes)
    add_documentation_page(app)
    app.add_middleware(
        BodyLimitMiddleware,
        limit=settings.max_body_size,
        by_path={
            **dict.fromkeys(("/admin/measurements", "/admin/accuracies"), settings.max_upload_size),
            "/models": settings.max_model_size,
        },
    )
    app.add_middleware(RequestContextMiddleware, metrics=metrics)
    return app
