from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from service.uploads.columns import MEASUREMENTS, PROVENANCE
from service.uploads.conditions import Conditions
from service.uploads.errors import UploadTooLargeError
from service.uploads.findings import MAX_LISTED
from service.uploads.raw_row import RawRow
from service.uploads.review import accepted, review
from service.uploads.validation import CheckedRow, RowCheck
from spaces import SPACES
from spaces.layer_digest import layer_digest

CELL = "|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"
LAYERS = len(SPACES["nb201"].workload(SPACES["nb201"].parse(CELL)).layers)
GOOD = {"device": "phone", "space": "nb201", "architecture": CELL, "latency_ms": "5.25"}


def check() -> RowCheck:
    return RowCheck(SPACES, {"phone": False, "model": True})


def one(**changed: Any) -> CheckedRow | list[Any]:
    return check()(RawRow(7, 8, GOOD | changed))


def faults(**changed: Any) -> dict[str | None, str]:
    found = one(**changed)
    assert isinstance(found, list)
    assert all((problem.row, problem.line) == (7, 8) for problem in found)
    return {problem.column: problem.reason for problem in found}


def test_good_row_is_canonical_and_typed() -> None:
    found = one(
        architecture="0-0-0-0-0-3", runs=" 10 ", measured_at="2026-01-31T12:00:00Z", input_shape=[3, 32, 32], unit="ms"
    )
    assert isinstance(found, CheckedRow)
    assert (found.architecture.key, found.latency_ms) == (CELL, 5.25)
    assert found.provenance == {
        "runs": 10,
        "measured_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "input_shape": "3x32x32",
        "unit": "ms",
    }


@pytest.mark.parametrize("architecture", ["2" + "_8" * 21, [2] + [8] * 21])
def test_notations_of_one_architecture_become_one_key(architecture: str | Sequence[int]) -> None:
    found = one(space="fbnet", architecture=architecture)
    assert isinstance(found, CheckedRow)
    assert found.architecture.key == "2" + "_8" * 21


@pytest.mark.parametrize("value", ["", None])
@pytest.mark.parametrize("column", ["device", "space", "architecture", "latency_ms"])
def test_required_cell_without_value_is_named(column: str, value: str | None) -> None:
    assert faults(**{column: value}) == {column: "no value"}


@pytest.mark.parametrize("column", PROVENANCE)
def test_optional_cell_without_value_is_left_to_its_default(column: str) -> None:
    found = one(**{column: ""})
    assert isinstance(found, CheckedRow)
    assert found.provenance == {}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("device", "tablet", "unknown device 'tablet'; register it first with POST /devices"),
        ("device", "Phone", "unknown device"),
        ("device", "model", "is simulated"),
        ("device", 5, "unknown device 5"),
        ("device", "\ud800", "unknown device '\\ud800'"),
        ("device", "x" * 10_000, "..."),
        ("space", "no_such_space", "known: nb201, fbnet"),
        ("space", ["nb201"], "unknown space"),
        ("architecture", "|x|", "is no architecture of nb201"),
        ("architecture", 99_999, "must be within 0..15624"),
        ("architecture", "17", "has not been imported yet"),
        ("architecture", "9" * 1999, "is no architecture"),
        ("architecture", "9" * 5000, "is no architecture"),
        ("architecture", True, "True is no architecture"),
        ("architecture", 1.0, "1.0 is no architecture"),
        ("architecture", {"op": 1}, "is no architecture"),
        ("architecture", [[1], [2]], "is no architecture"),
        ("architecture", [0, 0, 0, 0, 0, True], "is no architecture"),
        ("architecture", [0, 0, 0, 0, 0, 10**30], "is no architecture"),
        ("architecture", b"abc", "is no architecture"),
        ("latency_ms", "fast", "'fast' is no number"),
        ("latency_ms", "5,2", "use a point for decimals"),
        ("latency_ms", "1_000", "is no number"),
        ("latency_ms", "0x10", "is no number"),
        ("latency_ms", "\u0665", "is no number"),
        ("latency_ms", "nan", "is not finite"),
        ("latency_ms", float("inf"), "is not finite"),
        ("latency_ms", Decimal("sNaN"), "is too large"),
        ("latency_ms", "-inf", "is not finite"),
        ("latency_ms", "0", "is not positive"),
        ("latency_ms", "-1.5", "is not positive"),
        ("latency_ms", "1e-7", "is outside 1e-06 to 1e+09 ms"),
        ("latency_ms", "1e10", "is outside"),
        ("latency_ms", 10**400, "is too large"),
        ("latency_ms", True, "True is no number"),
        ("latency_ms", [5.2], "is no number"),
        ("runs", "2.5", "is no whole number"),
        ("runs", 0, "is no whole number"),
        ("runs", "nan", "is no whole number"),
        ("runs", 2**31, "is no whole number"),
        ("batch_size", "many", "is no number"),
        ("statistic", 5, "5 is no text"),
        ("precision", "fp\x0032", "control characters"),
        ("runtime", "x" * 101, "101 characters long"),
        ("runtime_version", "\ud800", "control characters"),
        ("input_shape", [3, "a"], "is no number"),
        ("measured_at", "yesterday", "is not a time with a zone"),
        ("measured_at", "2026-01-31T12:00:00", "is not a time with a zone"),
        ("measured_at", datetime(2026, 1, 31), "is not a time with a zone"),  # noqa: DTZ001
        ("measured_at", "0001-01-01T00:00:00+14:00", "is not a time with a zone"),
        ("measured_at", 1_700_000_000, "is not a time with a zone"),
        ("unit", "s", "latency_ms is in ms"),
        ("layer_ms", 5.0, "5.0 is no list of numbers"),
        ("layer_ms", "[1, 2", "is no JSON list of numbers"),
        ("layer_ms", '"text"', "is no list of numbers"),
        ("layer_ms", [], "has 0 numbers"),
        ("layer_ms", [0.1] * 20_001, "has 20,001 numbers"),
        ("layer_ms", [0.1, -0.1], "number 1 of the list, -0.1, is not from 0"),
        ("layer_ms", [True], "number 0 of the list, True"),
        ("layer_ms", [[0.1]], "number 0 of the list, [0.1]"),
        ("layer_ms", "[NaN]", "number 0 of the list, nan"),
        ("layer_ms", [0.1, 0.2], f"has 2 numbers where the network has {LAYERS} layers"),
        ("layer_ms", [1.0] * LAYERS, f"adds up to {LAYERS} ms"),
        ("layer_ms", [0] * LAYERS, "adds up to 0 ms"),
    ],
)
def test_bad_cell_is_named_with_its_reason(column: str, value: object, reason: str) -> None:
    found = faults(**{column: value})
    assert list(found) == [column]
    assert reason in found[column]
    found[column].encode()


@pytest.mark.parametrize("encode", [lambda numbers: numbers, str])
def test_layer_ms_becomes_a_profile_of_the_networks_layers(encode: Any) -> None:
    numbers = [0.5] + [0.01] * (LAYERS - 1)
    found = one(layer_ms=encode(numbers))
    assert isinstance(found, CheckedRow)
    assert found.provenance == {}
    assert found.profile is not None
    assert found.profile.layer_ms == tuple(numbers)
    assert found.profile.layers == layer_digest(SPACES["nb201"].workload(found.architecture).layers)


def test_rows_with_profiles_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.uploads.review.MAX_PROFILED_ROWS", 2)
    bad = {"layer_ms": [0.1]}
    assert review(rows({}, bad, bad, {}), check(), 10, Conditions(SPACES)).rows == 4
    with pytest.raises(UploadTooLargeError, match="2 rows with layer_ms"):
        review(rows(bad, bad, bad), check(), 10, Conditions(SPACES))


def test_every_fault_of_a_row_is_listed() -> None:
    assert set(faults(device="x", latency_ms="y", runs="z")) == {"device", "latency_ms", "runs"}


def test_architecture_of_an_unknown_space_is_not_blamed() -> None:
    assert set(faults(space="x", architecture="y")) == {"space"}


def test_every_allowed_column_has_a_reader() -> None:
    for column in MEASUREMENTS.allowed:
        assert isinstance(one(**{column: object()}), list)


def rows(*changes: dict[str, Any]) -> list[RawRow]:
    return [RawRow(number, number + 1, GOOD | change) for number, change in enumerate(changes, start=1)]


def test_second_row_of_an_architecture_in_any_notation_is_a_duplicate_of_the_first() -> None:
    found = review(rows({}, {"latency_ms": "bad"}, {"architecture": "0-0-0-0-0-3"}), check(), 10, Conditions(SPACES))
    assert found.rejected == {2, 3}
    assert found.problems[1].column == "architecture"
    assert found.problems[1].reason.endswith("row 1, line 2")


def test_bad_row_does_not_make_a_later_good_one_a_duplicate() -> None:
    found = review(rows({"latency_ms": "-1"}, {}), check(), 10, Conditions(SPACES))
    assert found.rejected == {1}
    assert [row.number for row in accepted(rows({"latency_ms": "-1"}, {}), check(), found.rejected)] == [2]


def test_problems_are_counted_beyond_those_listed() -> None:
    found = review(rows(*[{"device": "x"}] * (MAX_LISTED + 5)), check(), 10_000, Conditions(SPACES))
    assert (len(found.problems), len(found.rejected), found.rows) == (MAX_LISTED, MAX_LISTED + 5, MAX_LISTED + 5)


def test_more_rows_than_the_limit_are_refused() -> None:
    with pytest.raises(UploadTooLargeError, match="limit of 2 rows"):
        review(rows({}, {}, {}), check(), 2, Conditions(SPACES))


@pytest.mark.parametrize(
    ("column", "first", "other"),
    [("batch_size", "1", "256"), ("precision", "fp32", "fp16"), ("input_shape", "3x32x32", "3x224x224")],
)
def test_row_of_another_condition_than_the_file_or_the_device_has_is_bad(column: str, first: str, other: str) -> None:
    cells = [f"0-0-0-0-{digit}-3" for digit in range(4)]
    values = [None, first, other, first]
    file = rows(*({"architecture": cell, column: value} for cell, value in zip(cells, values, strict=True)))
    found = review(file, check(), 10, Conditions(SPACES))
    assert found.rejected == {3}
    assert found.problems[0].column == column
    assert "row 2, line 3" in found.problems[0].reason
    known = {column: frozenset([int(other) if column == "batch_size" else other])}
    found = review(file, check(), 10, Conditions(SPACES, lambda _device, _space: known))
    assert found.rejected == {2, 4}
    assert "(stored)" in found.problems[0].reason


def test_another_spelling_or_another_space_is_no_other_condition() -> None:
    first = {"precision": "FP32", "input_shape": "1x3x32x32", "batch_size": "1"}
    again = {"architecture": "0-0-0-0-0-2", "precision": "fp32", "input_shape": [3, 32, 32]}
    elsewhere = {"space": "fbnet", "architecture": "2" + "_8" * 21, "batch_size": "8"}
    assert not review(rows(first, again, elsewhere), check(), 10, Conditions(SPACES)).rejected


def test_resolution_that_the_architecture_chooses_is_no_condition() -> None:
    space = SPACES["ofa"]
    chosen = {space.workload(cell).input_shape: cell for cell in space.sample(40, rng=np.random.default_rng(0))}
    assert len(chosen) > 1
    file = rows(
        *({"space": "ofa", "architecture": cell.key, "input_shape": list(shape)} for shape, cell in chosen.items())
    )
    assert not review(file, check(), 100, Conditions(SPACES)).rejected
