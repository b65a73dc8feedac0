import pytest

from device_db import ConstraintError, Syntheses

HASH = "a" * 64
CIRCUIT = {"primitive": "gemmt-fu", "m": 1}


def _store(session, circuit_hash=HASH, version="0.70", luts=10, seconds=1.5):
    Syntheses(session).store(
        circuit_hash, "lut6", "yosys", version, circuit=CIRCUIT, figures={"luts": luts}, seconds=seconds
    )


def test_stored_synthesis_is_found_with_its_provenance(session):
    _store(session)
    found = Syntheses(session).find(HASH, "lut6", "yosys", "0.70")
    assert found is not None
    assert (found.circuit, found.figures, found.seconds) == (CIRCUIT, {"luts": 10}, 1.5)
    assert found.created_at.tzinfo is not None


@pytest.mark.parametrize(
    "other",
    [("b" * 64, "lut6", "yosys", "0.70"), (HASH, "lut4", "yosys", "0.70"), (HASH, "lut6", "yosys", "0.71")],
)
def test_find_keeps_circuits_flows_and_versions_apart(session, other):
    _store(session)
    assert Syntheses(session).find(*other) is None


def test_store_twice_keeps_the_first_result(session):
    _store(session)
    _store(session, luts=11)
    _store(session, version="0.71", luts=12)
    for version, luts in (("0.70", 10), ("0.71", 12)):
        found = Syntheses(session).find(HASH, "lut6", "yosys", version)
        assert found is not None
        assert found.figures == {"luts": luts}


@pytest.mark.parametrize("wrong", [{"circuit_hash": "abc"}, {"seconds": -1.0}])
def test_store_of_what_is_no_hash_or_duration_breaks_a_constraint(session, wrong):
    with pytest.raises(ConstraintError):
        _store(session, **wrong)
