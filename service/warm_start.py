"""What a search starts from: the front of an earlier job, or the architectures that were measured on its device."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from device_db import Job, JobNotFoundError, Jobs, Measurements
from service.errors import FieldError, InvalidRequestError, pointing
from service.schemas.searches import SearchRequest
from service.use_cases.describe_job import front_of
from spaces import Architecture, SearchSpace

# More starts than this would use up most budgets before the search begins.
_MOST: Final = 1_000


def starting_architectures(session: Session, space: SearchSpace, request: SearchRequest) -> list[Architecture]:
    """Architectures of the space to start from, each once; none without a `warm_start`.

    Raises: InvalidRequestError that points at what cannot be started from.
    """
    wanted = request.warm_start
    if wanted is None:
        return []
    if request.options:
        _refuse("a search of precision or hardware starts from nothing: an earlier front says nothing of them")
    keys: list[str] = []
    if wanted.job is not None:
        with pointing("/warm_start/job", JobNotFoundError):
            job = Jobs(session).get(wanted.job)
        keys += _front_of(job, space)
    if wanted.samples:
        device = next(iter(request.named_devices))
        measured, _ = Measurements(session).latencies(device, space.name)
        keys += _spread(sorted(measured))
    return [space.parse(key) for key in dict.fromkeys(keys)][:_MOST]


def _front_of(job: Job, space: SearchSpace) -> list[str]:
    """Its final front, or the one so far."""
    if job.request.get("space") != space.name:
        _refuse(f"job {job.id} searched {job.request.get('space')!r}, this is a search of {space.name!r}")
    front = front_of(job)
    if not front:
        _refuse(f"job {job.id} is {job.state} and has no front")
    return list(dict.fromkeys(entry["architecture"] for entry in front if "hardware" not in entry))


def _spread(keys: Sequence[str]) -> list[str]:
    step = max(1, -(-len(keys) // _MOST))
    return list(keys[::step])


def _refuse(reason: str) -> None:
    raise InvalidRequestError([FieldError(reason, pointer="/warm_start")])
