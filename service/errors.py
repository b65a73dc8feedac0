"""Errors of the package `service`; `problems.py` says how each is answered over HTTP.

ServiceError
├── InvalidRequestError        a well-formed request whose content cannot be used
│   └── UnreachableLimitError  a search limit that no architecture meets
├── MalformedBodyError         a body that is no JSON
├── UnsupportedMediaTypeError  a body of another content type
├── UnauthorizedError          no key where one is needed, or an unknown key
├── ForbiddenError             a key without the scope
├── NotUploaderError           somebody else's upload
├── DeviceNotReadyError        too few samples to predict
├── UnusablePredictorError     a stored predictor that cannot be run here
├── ProxiesNotComputedError    more architectures without zero-cost proxies than a request may compute
├── ProxiesNotPublishedError   architectures that the published tables in the database do not have
├── NoAccuraciesError          no accuracies of a space on a data set
├── SimulatedDeviceError       asks of a simulated device what only a measured one has
├── MeasuredDeviceError        asks of a measured device what only a simulated one has
├── ExtraMissingError          an optional part that is not installed
├── NoFrontError               a job without a front
├── OverloadedError            every slot taken
└── UnavailableError           the database cannot serve yet
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request.

    Attributes:
        reason: what is wrong, the value got, what is allowed.
        pointer: JSON Pointer (RFC 6901) into the body; "" is the whole body.
        parameter: name of a query, path or header parameter instead.
    """

    reason: str
    pointer: str | None = None
    parameter: str | None = None


class ServiceError(Exception):
    """Base of every error that `service` raises on purpose."""


class InvalidRequestError(ServiceError):
    """A well-formed request whose content cannot be used."""

    def __init__(self, errors: Sequence[FieldError]):
        shown = errors[0].reason if len(errors) == 1 else f"{len(errors)} faults, the first: {errors[0].reason}"
        super().__init__(shown)
        self.errors = list(errors)


class UnreachableLimitError(InvalidRequestError):
    """No architecture that the search met satisfies the limits."""

    def __init__(self, errors: Sequence[FieldError], best_reachable: Mapping[str, float]):
        super().__init__(errors)
        self.best_reachable = dict(best_reachable)


class MalformedBodyError(ServiceError):
    """The body is not the format that its content type says."""


class UnsupportedMediaTypeError(ServiceError):
    """The body has a content type that the route does not read."""

    def __init__(self, content_type: str, allowed: Sequence[str]):
        super().__init__(f"content type {content_type or '(none)'} is not accepted; allowed: {', '.join(allowed)}")
        self.content_type = content_type
        self.allowed = list(allowed)


class UnauthorizedError(ServiceError):
    """No API key where one is needed, or one that is unknown or revoked."""


class ForbiddenError(ServiceError):
    """The API key lacks the scope."""

    def __init__(self, scopes: Sequence[str]):
        super().__init__(f"this API key lacks the scope {' or '.join(scopes)}")
        self.scopes = list(scopes)


class NotUploaderError(ServiceError):
    """Somebody else's upload, and the API key is not an administrator's."""

    def __init__(self, batch: str):
        super().__init__(
            f"batch {batch} was uploaded with another API key or without one: "
            "undoing it needs its own key or the scope admin"
        )
        self.scopes = ["admin"]


class DeviceNotReadyError(ServiceError):
    """The device has too few samples in the space to predict from, or no predictor of them yet."""

    def __init__(self, device: str, space: str, samples: int, needed: int):
        advice = (
            "its predictor has yet to be fitted, which follows an upload within seconds"
            if samples >= needed
            else f"upload timings with POST /admin/measurements; "
            f"GET /devices/{device}/suggestions?space={space} says of which architectures"
        )
        super().__init__(f"device {device!r} has {samples} samples in {space}, predictions need {needed}: {advice}")
        self.device = device
        self.space = space
        self.samples = samples
        self.needed = needed


class UnusablePredictorError(ServiceError):
    """A stored predictor is of another version of archcast, or needs what is not installed here."""

    def __init__(self, device: str, space: str, version: int, predictor: str, reason: str):
        super().__init__(
            f"version {version} of the predictor of {device!r} in {space}, {predictor}, cannot be used: {reason}; "
            "`archcast refit`, or the device's next upload, replaces it"
        )
        self.device = device
        self.space = space
        self.version = version
        self.predictor = predictor


class ProxiesNotComputedError(ServiceError):
    """More architectures lack their zero-cost proxies than may be computed while a client waits."""

    def __init__(self, space: str, missing: int, limit: int):
        super().__init__(
            f"the zero-cost proxies of {missing:,} architectures of {space} are not computed yet, which takes seconds "
            f"for each; this computes at most {limit:,}: run `archcast proxies --space {space}` on them first, or set "
            "ARCHCAST_MAX_UNCACHED_PROXIES"
        )
        self.space = space
        self.missing = missing
        self.limit = limit


class ProxiesNotPublishedError(ServiceError):
    """Published proxies were asked for, and the database does not have all of them."""

    def __init__(self, space: str, missing: int):
        super().__init__(
            f"there are no published zero-cost proxies of {missing:,} of the architectures of {space}: "
            "`archcast import zero-cost` brings those that exist, and computed ones need no table"
        )
        self.space = space
        self.missing = missing


class NoAccuraciesError(ServiceError):
    """There are no accuracies of a space on a data set."""

    def __init__(self, space: str, dataset: str):
        super().__init__(f"there are no accuracies of {space} on {dataset!r}; GET /admin/accuracies lists them all")
        self.space = space
        self.dataset = dataset


class SimulatedDeviceError(ServiceError):
    """A simulated device needs no measurements."""

    def __init__(self, device: str):
        super().__init__(f"device {device!r} is simulated: its costs are computed, not measured")
        self.device = device


class MeasuredDeviceError(ServiceError):
    """A measured device computes nothing."""

    def __init__(self, device: str):
        super().__init__(f"device {device!r} is measured: it has no model to compute costs with")
        self.device = device


class SearchCancelledError(ServiceError):
    """Somebody cancelled the search, before it had found anything."""

    def __init__(self, job: str):
        super().__init__(f"the search was cancelled before it had found anything; GET /jobs/{job} has its record")
        self.job = job


class NoFrontError(ServiceError):
    """The job has no front that could be written to a file."""

    def __init__(self, job: str, state: str, members: int = 0):
        lacking = f"has a front of {members}, none from this offset on" if members else "has found no front"
        super().__init__(f"job {job} is {state} and {lacking}; GET /jobs/{job} says how it stands")
        self.job = job


class ExtraMissingError(ServiceError):
    """This installation lacks an optional part."""

    def __init__(self, extra: str, module: str):
        super().__init__(f"this needs {module}, which is not installed: `pip install 'archcast[{extra}]'` brings it")
        self.extra = extra


class OverloadedError(ServiceError):
    """Every slot is taken; worth another try after `retry_after_seconds`."""

    def __init__(self, what: str, retry_after_seconds: int):
        super().__init__(f"all slots for {what} are taken; try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(ServiceError):
    """The service cannot answer until an operator acts or the database returns."""

    retry_after_seconds = 5


@contextmanager
def pointing(pointer: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn `errors` about a name inside a body into an InvalidRequestError that points at it."""
    try:
        yield
    except errors as error:
        raise InvalidRequestError([FieldError(str(error), pointer=pointer)]) from error
