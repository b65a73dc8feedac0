from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from service.app import create_app
from service.settings import Settings

OPERATIONS = [
    (path, method) for path, methods in create_app(Settings()).openapi()["paths"].items() for method in methods
]
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
]


@pytest.fixture(scope="module")
def server(shared_deployment: Any) -> Iterator[TestClient]:
    """One that synthesises nothing: whatever circuit it is asked for, its answer is that there is a job."""
    settings = shared_deployment.settings.model_copy(update={"embedded_synthesis_workers": 0})
    with TestClient(create_app(settings), base_url="http://127.0.0.1", client=("127.0.0.1", 50000)) as local:
        yield local


@pytest.fixture(scope="module")
def document(server: TestClient) -> Any:
    return schemathesis.openapi.from_dict(server.get("/openapi.json").json())


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_operation_answers_as_documented_whatever_it_is_asked(
    server: TestClient, shared_deployment: Any, document: Any, path: str, method: str
):
    operation = document[path][method]
    known = {parameter.name for parameter in operation.query}
    cases = st.one_of(operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE))

    @hypothesis.settings(
        max_examples=20,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[hypothesis.HealthCheck.filter_too_much, hypothesis.HealthCheck.too_slow],
    )
    @hypothesis.given(cases)
    def conforms(case: schemathesis.Case) -> None:
        # Parameters that an operation does not know are ignored, as HTTP servers do.
        hypothesis.assume(set(case.query or {}) <= known)
        request = case.as_transport_kwargs(base_url="http://testserver", headers=shared_deployment.bearer("admin"))
        request.pop("cookies", None)
        if isinstance(request.get("data"), bytes | str):
            request["content"] = request.pop("data")  # what the test client calls it
        case.validate_response(server.request(**request), checks=CHECKS)

    conforms()


def test_every_operation_documents_its_problems(shared: TestClient):
    document = shared.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            for status, answer in refusals.items():
                assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
    assert {"Problem", "ProblemError"} <= document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in document["components"]["schemas"]
