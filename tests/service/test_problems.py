import inspect

import pytest

from service import errors
from service.errors import FieldError, InvalidRequestError, ServiceError, UnreachableLimitError
from service.problems import PROBLEMS, json_pointer, problem_of, problem_type


def test_every_error_of_the_service_has_a_problem():
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ServiceError)]
    assert {cls for cls in classes if cls is not ServiceError} <= PROBLEMS.keys()


def test_every_type_has_one_status_and_one_title():
    kinds = {(kind.slug, kind.status, kind.title) for kind in PROBLEMS.values()}
    assert len({slug for slug, _, _ in kinds}) == len(kinds)


def test_problem_of_a_subclass_is_that_of_its_nearest_base():
    class WorseError(UnreachableLimitError):
        pass

    assert problem_type(WorseError([FieldError("x")], {})) is PROBLEMS[UnreachableLimitError]


def test_problem_of_an_unlisted_error_hides_its_text():
    assert "secret" not in str(problem_of(RuntimeError("secret")))


def test_problem_carries_facts_and_faults():
    problem = problem_of(UnreachableLimitError([FieldError("too low", pointer="/a")], {"latency_ms": 3.2}))
    assert problem["best_reachable"] == {"latency_ms": 3.2}
    assert problem["errors"] == [{"reason": "too low", "pointer": "/a"}]


def test_text_that_cannot_be_encoded_is_escaped():
    assert problem_of(InvalidRequestError([FieldError("\ud800", pointer="/\ud800")]))["detail"] == "\\ud800"


@pytest.mark.parametrize(("path", "pointer"), [([], ""), (["a", 0], "/a/0"), (["a/b", "c~d"], "/a~1b/c~0d")])
def test_pointer_escapes_as_rfc_6901_says(path: list[str | int], pointer: str):
    assert json_pointer(path) == pointer
