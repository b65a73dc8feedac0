"""How the OpenAPI document describes problems, and the documentation page with assets of our own."""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from service.problems import MEDIA_TYPE
from service.schemas.problem import Problem

_REFERENCES = "#/components/schemas/{model}"
# `openapi_extra` of a route that answers without a key where `anonymous_read` allows it.
KEY_OPTIONAL: Final[dict[str, Any]] = {"security": [{}]}
_MEANING = {
    400: "The body is malformed",
    401: "An API key is needed, or the one sent is invalid",
    403: "The API key lacks the scope",
    404: "Not found",
    409: "In conflict with what is stored, or not ready for it",
    413: "The body is too large",
    415: "The body has another content type",
    422: "The request cannot be used; `errors` says where and why",
    501: "An optional part of the server is not installed",
    503: "Overloaded or not ready; see Retry-After",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: the statuses it answers with a problem document, beside 401, 403 and 422."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _REFERENCES.format(model="Problem")}}}
    return {
        status: {"description": _MEANING[status], "content": content} for status in sorted({401, 403, 422, *statuses})
    }


def upload_body(media_types: Iterable[str], csv: str) -> dict[str, Any]:
    """`requestBody` of an upload. Args: csv: example of the format that people write by hand."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {name: binary | ({"example": csv} if name == "text/csv" else {}) for name in media_types}
    return {"required": True, "content": content}


class ArchcastApi(FastAPI):
    """FastAPI whose OpenAPI document knows the problem schema."""

    def openapi(self) -> dict[str, Any]:
        """The document, built once."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template=_REFERENCES)
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        assert self.openapi_schema is not None
        return self.openapi_schema


def add_documentation_page(app: FastAPI) -> None:
    """Serve Swagger UI at /docs without any request that leaves the machine."""
    assets = str(files("fastapi_offline") / "static")
    app.mount("/docs/assets", StaticFiles(directory=assets), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    def documentation() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="../openapi.json" if app.root_path else "/openapi.json",
            title=f"{app.title}: API",
            swagger_js_url=f"{app.root_path}/docs/assets/swagger-ui-bundle.js",
            swagger_css_url=f"{app.root_path}/docs/assets/swagger-ui.css",
            swagger_favicon_url=f"{app.root_path}/docs/assets/favicon.png",
        )
