"""The timings that come with archcast: packed from journals, read back, and free of what is nobody's business."""

import csv
import gzip
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from device_db import DeviceKind, ImportFormatError, LayerProfile
from device_db.importers import shipped
from service.onnx_timing import Timed
from spaces import SPACES, Architecture
from spaces.layer_digest import layer_digest

ROOT = Path(__file__).resolve().parents[2]
CELLS = ("4-3-2-1-3-3", "3-3-1-3-1-0")
KEYS = [SPACES["nb201"].parse(cell).key for cell in CELLS]


@pytest.fixture(scope="module")
def packing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_timings", ROOT / "benchmarks" / "pack_timings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timing(median_ms: float, **settings: Any) -> dict[str, Any]:
    defaults = {"threads": 2, "precision": "int8", "warmup_s": 0.2, "half_width": 0.01, "min_runs": 20}
    return {
        "median_ms": median_ms,
        "lower_ms": 0.9 * median_ms,
        "upper_ms": 1.1 * median_ms,
        "is_settled": True,
        "runs": 30,
        "settings": {**defaults, "max_runs": 2000, "max_s": 5.0, "dimensions": {}, **settings},
        "machine": {
            **{"cpu": "a processor", "cores": 4, "governor": None, "python": "3.11", "numpy": "2", "system": "a host"},
            **{"runtime": "onnxruntime-cpu", "runtime_version": "1.2.3", "load_1min": median_ms},
        },
        "input_shapes": {"x": [1, 3, 32, 32]},
        "measured_at": f"2026-01-31T12:00:0{median_ms:.0f}Z",
    }


def canonical(space: str, notation: Any) -> str:
    return SPACES[space].parse(notation).key


def test_packed_journal_is_read_back_as_a_device(packing: ModuleType, tmp_path: Path):
    timed = [Timed("nb201", key, timing(number)) for number, key in enumerate(KEYS, start=1)]
    uploaded = Timed("onnx", "f" * 64, timing(3.0))
    packing.pack(tmp_path, "box", [*timed, uploaded], ["archcast measure"], {"f" * 64: "net.onnx"})
    facts = json.loads((tmp_path / "box.json").read_text())
    assert (facts["networks"], facts["load_1min"], facts["settled"]) == ({"nb201": 2, "onnx": 1}, [1.0, 3.0], 3)
    assert facts["measured_at"] == ["2026-01-31T12:00:01Z", "2026-01-31T12:00:03Z"]
    assert "a host" not in (tmp_path / "box.json").read_text()
    data = shipped.read(tmp_path, canonical)
    rows = list(data.measurements)
    assert (data.kind, list(data.devices)) == (DeviceKind.onnx, ["box"])
    assert [(row.device, row.architecture, row.value) for row in rows] == [("box", KEYS[0], 1.0), ("box", KEYS[1], 2.0)]
    assert {(row.precision, row.runtime, row.statistic, row.runs, row.batch_size) for row in rows} == {
        ("int8", "onnxruntime-cpu-t2", "median", 30, 1)
    }
    assert rows[0].measured_at is not None
    assert data.notes == ("1 timings left out: their networks were not uploaded",)
    assert shipped.model_names(tmp_path) == {"f" * 64: "net.onnx"}


def test_packed_profiles_are_read_back_with_their_timings(packing: ModuleType, tmp_path: Path):
    kernels = [{"node": "_0_1_nchwc", "op": "Conv", "latency_ms": 0.25}]
    timed = [
        Timed("nb201", KEYS[0], {**timing(1.0), "kernels": kernels}),
        Timed("nb201", KEYS[1], timing(2.0)),
        Timed("onnx", "f" * 64, {**timing(3.0), "kernels": kernels}),
    ]
    packing.pack(tmp_path, "box", timed, [], {})
    for _ in range(2):
        packing.pack_layers(tmp_path, "box", timed, {})
        rows = list(shipped.read(tmp_path, canonical).measurements)
        layers = SPACES["nb201"].workload(SPACES["nb201"].parse(CELLS[0])).layers
        profile = LayerProfile(layer_digest(layers), (0.25, *[0.0] * (len(layers) - 1)))
        assert [row.profile for row in rows] == [profile, None]
    path = tmp_path / "box.layers.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b",2500 ", b",a 0 ")))
    with pytest.raises(ImportFormatError, match="invalid literal"):
        shipped.read(tmp_path, canonical)


@pytest.mark.parametrize("device", [file.stem for file in sorted(shipped.FOLDER.glob("*.json"))])
def test_shipped_profiles_are_of_the_layers_that_networks_have(device: str):
    rows = [row for row in shipped.read(shipped.FOLDER, canonical).measurements if row.device == device]
    assert len(rows) >= 400
    for row in rows:
        assert row.profile is not None
        layers = SPACES[row.space].workload(Architecture(row.space, row.architecture)).layers
        assert row.profile.layers == layer_digest(layers)
        assert len(row.profile.layer_ms) == len(layers)
        assert 0.3 * row.value < sum(row.profile.layer_ms) < 1.01 * row.value


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (Timed("nb201", KEYS[1], timing(1.0, threads=1)), "two conditions"),
        (Timed("nb201", KEYS[0], timing(1.0)), "once"),
    ],
)
def test_journals_that_are_not_of_one_device_are_refused(
    packing: ModuleType, tmp_path: Path, second: Timed, reason: str
):
    with pytest.raises(ValueError, match=reason):
        packing.pack(tmp_path, "box", [Timed("nb201", KEYS[0], timing(2.0)), second], [], {})
    assert not list(tmp_path.iterdir())


def test_earlier_run_says_how_far_latencies_repeat_and_the_faster_one_is_kept(packing: ModuleType, tmp_path: Path):
    earlier = [Timed("nb201", KEYS[0], timing(1.0)), Timed("nb201", KEYS[1], timing(4.0))]
    timed = [Timed("nb201", KEYS[1], timing(2.0)), Timed("nb201", KEYS[0], timing(1.04))]
    packing.pack(tmp_path, "box", timed, [], {}, earlier, ["it was noisy"])
    facts = json.loads((tmp_path / "box.json").read_text())
    assert facts["notes"] == ["it was noisy"]
    whole = {name: value for name, value in facts["repeatability"].items() if name != "by_space"}
    assert facts["repeatability"]["by_space"] == {"nb201": whole}
    assert whole == {
        **{"networks": 2, "p5": 0.527, "median": 0.77, "p95": 1.013},
        **{"within_5_percent": 0.5, "apart_by_25_percent": 0.5},
    }
    assert [row["latency_ms"] for row in csv.DictReader((tmp_path / "box.csv").read_text().splitlines())] == ["2", "1"]
    assert "of two runs 50% of the networks agree within 5 %, 50% are more than 25 % apart" in facts["description"]
    with pytest.raises(ValueError, match="same networks"):
        packing.pack(tmp_path, "box", timed, [], {}, earlier[:1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda folder: (folder / "box.json").unlink(), "no provenance"),
        (lambda folder: (folder / "box.json").write_text("{}"), "lacks description"),
        (lambda folder: (folder / "box.csv").write_text("space\nnb201\n"), "lacks the columns architecture"),
        (lambda folder: _replace(folder / "box.csv", ",30,", ",many,"), "line 2"),
        (lambda folder: (folder / "box.csv").unlink(), r"no \.csv"),
    ],
)
def test_damaged_timings_are_refused(packing: ModuleType, tmp_path: Path, change: Any, reason: str):
    packing.pack(tmp_path, "box", [Timed("nb201", KEYS[0], timing(1.0))], [], {})
    change(tmp_path)
    with pytest.raises(ImportFormatError, match=reason):
        shipped.read(tmp_path, canonical)


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("file", sorted(shipped.FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_shipped_timings_say_how_they_were_made_and_name_no_machine(file: Path):
    facts = json.loads(file.read_text())
    assert sum(facts["networks"].values()) >= 400
    assert facts["settled"] >= 0.99 * sum(facts["networks"].values())
    assert len(facts["commands"]) == len(facts["networks"])
    assert {"cpu", "cores", "precision", "runtime_version", "load_1min", "measured_at"} <= facts.keys()
    assert not re.search(r"[ \"'](?:/|\w+://)", file.read_text())
