"""The one table error class -> problem, and the handlers that answer with it (RFC 9457 application/problem+json)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from device_db import (
    ArtifactNotFoundError,
    ConflictError,
    DatabaseUnavailableError,
    DeviceExistsError,
    DeviceNotFoundError,
    JobNotFoundError,
    ModelNotFoundError,
    NotFoundError,
    UploadNotFoundError,
)
from service import errors
from service.errors import FieldError
from service.uploads.errors import (
    RejectedRowsError,
    RowProblem,
    UnsupportedUploadTypeError,
    UploadColumnsError,
    UploadError,
    UploadTooLargeError,
)
from spaces.errors import IndexUnavailableError, InvalidArchitectureError, NotEnumerableError, UnknownSpaceError
from spaces.onnx_model import DynamicDimensionsError, ModelRefusedError, ModelTooLargeError, UnknownBindingError
from targets import NotFittingError, UnsupportedLayerError
from targets.fpga.errors import OutsideModelRangeError, SynthesisError, ToolMissingError

_log = logging.getLogger(__name__)
Fault = FieldError | RowProblem
MEDIA_TYPE: Final = "application/problem+json"
MAX_LISTED: Final = 1000


@dataclass(frozen=True, slots=True)
class ProblemType:
    """How one class of error is answered.

    Attributes:
        status: HTTP status.
        slug: last part of the type URI `urn:archcast:problem:<slug>`.
        title: the same for every problem of the type.
        facts: attributes of the error that become members of the document.
        headers: further response headers.
    """

    status: int
    slug: str
    title: str
    facts: tuple[str, ...] = ()
    headers: Mapping[str, str] | None = None


INTERNAL: Final = ProblemType(500, "internal", "Internal error")
PROBLEMS: Final[dict[type[Exception], ProblemType]] = {
    errors.UnreachableLimitError: ProblemType(422, "unreachable-limit", "Unreachable limit", ("best_reachable",)),
    errors.InvalidRequestError: ProblemType(422, "invalid-request", "Invalid request"),
    errors.MalformedBodyError: ProblemType(400, "malformed-body", "Malformed body"),
    errors.UnsupportedMediaTypeError: ProblemType(
        415, "unsupported-media-type", "Unsupported media type", ("allowed",)
    ),
    errors.UnauthorizedError: ProblemType(
        401, "unauthorized", "API key needed", headers={"WWW-Authenticate": 'Bearer realm="archcast"'}
    ),
    errors.ForbiddenError: ProblemType(403, "forbidden", "Scope missing", ("scopes",)),
    errors.NotUploaderError: ProblemType(403, "not-uploader", "Another's upload", ("scopes",)),
    errors.DeviceNotReadyError: ProblemType(
        409, "device-not-ready", "Too few samples", ("device", "space", "samples", "needed")
    ),
    errors.UnusablePredictorError: ProblemType(
        503, "predictor-unusable", "Predictor cannot be used", ("device", "space", "version", "predictor")
    ),
    errors.ProxiesNotComputedError: ProblemType(
        409, "proxies-not-computed", "Proxies not computed yet", ("space", "missing", "limit")
    ),
    errors.ProxiesNotPublishedError: ProblemType(
        409, "proxies-not-published", "Proxies not published", ("space", "missing")
    ),
    errors.NoAccuraciesError: ProblemType(404, "accuracies-not-found", "Accuracies not found", ("space", "dataset")),
    errors.SimulatedDeviceError: ProblemType(409, "simulated-device", "Device is simulated", ("device",)),
    errors.MeasuredDeviceError: ProblemType(409, "measured-device", "Device is measured", ("device",)),
    errors.SearchCancelledError: ProblemType(409, "search-cancelled", "Search cancelled", ("job",)),
    errors.ExtraMissingError: ProblemType(501, "extra-missing", "Optional part not installed", ("extra",)),
    errors.NoFrontError: ProblemType(409, "no-front", "No front", ("job",)),
    errors.OverloadedError: ProblemType(503, "overloaded", "Overloaded", ("retry_after_seconds",)),
    errors.UnavailableError: ProblemType(503, "unavailable", "Not ready", ("retry_after_seconds",)),
    DeviceNotFoundError: ProblemType(404, "device-not-found", "Device not found", ("name",)),
    ArtifactNotFoundError: ProblemType(
        404, "predictor-not-found", "Predictor version not found", ("device", "space", "version")
    ),
    ModelNotFoundError: ProblemType(404, "model-not-found", "Model not found", ("key",)),
    JobNotFoundError: ProblemType(404, "job-not-found", "Job not found"),
    UploadNotFoundError: ProblemType(404, "upload-not-found", "Upload not found"),
    NotFoundError: ProblemType(404, "not-found", "Not found"),
    DeviceExistsError: ProblemType(409, "device-exists", "Device exists", ("name",)),
    ConflictError: ProblemType(409, "conflict", "Conflict"),
    DatabaseUnavailableError: ProblemType(503, "database-unavailable", "Database not available"),
    UnknownSpaceError: ProblemType(404, "space-not-found", "Search space not found", ("known",)),
    IndexUnavailableError: ProblemType(422, "index-unavailable", "Index order not imported", ("space",)),
    InvalidArchitectureError: ProblemType(422, "invalid-architecture", "Invalid architecture", ("space",)),
    UnsupportedUploadTypeError: ProblemType(415, "unsupported-media-type", "Unsupported media type", ("allowed",)),
    UploadTooLargeError: ProblemType(413, "upload-too-large", "Upload too large", ("limit", "unit")),
    UploadColumnsError: ProblemType(422, "upload-columns", "Wrong columns", ("allowed",)),
    RejectedRowsError: ProblemType(422, "rejected-rows", "Bad rows, nothing stored", ("rejected", "rows")),
    UploadError: ProblemType(422, "unreadable-upload", "Unreadable upload"),
    DynamicDimensionsError: ProblemType(422, "dynamic-dimensions", "Dimensions left open", ("names",)),
    UnknownBindingError: ProblemType(422, "unknown-dimension", "No such dimension", ("name", "known")),
    ModelTooLargeError: ProblemType(413, "model-too-large", "Model too large"),
    ModelRefusedError: ProblemType(422, "model-refused", "Model refused"),
    UnsupportedLayerError: ProblemType(422, "unsupported-layer", "Layer not supported", ("hardware", "layer", "kind")),
    NotFittingError: ProblemType(422, "does-not-fit", "Network does not fit", ("resource", "needed", "available")),
    OutsideModelRangeError: ProblemType(
        422, "outside-model-range", "Outside of the model's range", ("name", "value", "layer")
    ),
    ToolMissingError: ProblemType(501, "tool-missing", "Tool not installed", ("tool", "install")),
    SynthesisError: ProblemType(422, "synthesis-failed", "Synthesis failed", ("tool",)),
    NotEnumerableError: ProblemType(409, "space-not-enumerable", "Search space too large to list", ("space",)),
}


def problem_type(error: BaseException) -> ProblemType | None:
    """The table's entry for the error's class or its nearest listed base; None if there is none."""
    return next((PROBLEMS[cls] for cls in type(error).__mro__ if cls in PROBLEMS), None)


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem document of an error, without what only a request knows; stored with a failed job.

    Errors that the table does not list become a bare 500: their text may hold internals.
    """
    kind = problem_type(error)
    if kind is None:
        return problem_document(INTERNAL, "the server failed; its log has the details under the request_id")
    facts = {name: getattr(error, name) for name in kind.facts}
    return problem_document(kind, str(error), getattr(error, "errors", ()), facts)


def problem_document(
    kind: ProblemType, detail: str, faults: Sequence[Fault] = (), facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Members of RFC 9457, `errors` (the first `MAX_LISTED`) and the facts; lone surrogates are escaped."""
    unlisted = len(faults) - MAX_LISTED
    if unlisted > 0:
        detail = f"{detail} ({unlisted:,} more are not listed)"
    document: dict[str, Any] = {
        "type": f"urn:archcast:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": _encodable(detail),
    }
    if faults:
        document["errors"] = [_fault(fault) for fault in faults[:MAX_LISTED]]
    return document | dict(facts or {})


def problem_response(
    request: Request, document: dict[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The document as a response, completed with the request's path and id."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    whole = document | {"instance": _encodable(request.url.path), "request_id": request_id}
    retry = {"Retry-After": str(document["retry_after_seconds"])} if "retry_after_seconds" in document else {}
    return JSONResponse(whole, document["status"], headers={**(headers or {}), **retry}, media_type=MEDIA_TYPE)


def internal_problem(request: Request) -> JSONResponse:
    """The answer to an error that nobody expected: no internals, only the id under which the log has it."""
    return problem_response(
        request, problem_document(INTERNAL, "the server failed; its log has the details under the request_id")
    )


def install(app: FastAPI) -> None:
    """Answer every listed error, every validation fault and every HTTP error with a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for cls in PROBLEMS:
        app.add_exception_handler(cls, _listed_error)


def _listed_error(request: Request, error: Exception) -> JSONResponse:
    kind = problem_type(error)
    assert kind is not None
    return problem_response(request, problem_of(error), kind.headers)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST and isinstance(error.__cause__, ValueError | RecursionError):
        return _listed_error(request, errors.MalformedBodyError(f"the body cannot be read: {_why(error.__cause__)}"))
    phrase = HTTPStatus(error.status_code).phrase
    kind = ProblemType(error.status_code, phrase.lower().replace(" ", "-"), phrase)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return problem_response(request, problem_document(kind, detail), error.headers)


def _why(cause: ValueError | RecursionError) -> str:
    """What is wrong with JSON that Python's parser refuses without a place."""
    if isinstance(cause, UnicodeDecodeError):
        return f"its text is no {cause.encoding}: {cause.reason} at byte {cause.start}"
    if isinstance(cause, RecursionError):
        return "its arrays and objects are nested too deeply"
    return str(cause).partition(";")[0]  # then comes advice to whoever runs the interpreter


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        reason = f"the body is no JSON: {details[0]['ctx']['error']} at character {details[0]['loc'][-1]}"
        return _listed_error(request, errors.MalformedBodyError(reason))
    return _listed_error(request, errors.InvalidRequestError([_field_error(detail) for detail in details]))


def _field_error(detail: Mapping[str, Any]) -> FieldError:
    place, *path = detail["loc"]
    reason = detail["msg"].removeprefix("Value error, ")  # pydantic's, before what our validators say
    if place != "body":
        return FieldError(reason, parameter=".".join(str(part) for part in path))
    return FieldError(reason, pointer=json_pointer(path))


def json_pointer(path: Sequence[str | int]) -> str:
    """RFC 6901 pointer of a path of keys and indices."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _fault(fault: Fault) -> dict[str, Any]:
    members = {name: value for name, value in asdict(fault).items() if value is not None}
    return {name: _encodable(value) if isinstance(value, str) else value for name, value in members.items()}


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
