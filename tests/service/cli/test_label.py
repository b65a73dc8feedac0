"""`archcast label`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from device_db import Devices, create_engine, session_factory


def test_label_command_stores_the_whole_space(cli: Callable[..., Any], tmp_path: Path):
    outcome = cli("label", "--device", "roofline-microcontroller", "--space", "nb201", "--json")
    assert outcome.code == 0
    assert outcome.answer["architectures"] == 15_625
    engine = create_engine(f"sqlite:///{tmp_path / 'embedded' / 'archcast.db'}")
    with session_factory(engine, read_only=True)() as session:
        counts = Devices(session).counts(["roofline-microcontroller"])
        assert counts["roofline-microcontroller"]["nb201"] == 15_625
    engine.dispose()


def test_label_large_space_asks_for_a_count(cli: Callable[..., Any]):
    outcome = cli("label", "--device", "olive", "--space", "fbnet")
    assert outcome.code == 1
    assert "cannot be enumerated" in outcome.err
    assert cli("label", "--device", "olive", "--space", "fbnet", "--count", "3").code == 0


def test_label_more_than_the_space_has_is_explained(cli: Callable[..., Any]):
    outcome = cli("label", "--device", "m4bram", "--space", "nb201", "--count", "99999")
    assert outcome.code == 1
    assert "nb201 has 15,625 architectures, fewer than 99,999" in outcome.err
