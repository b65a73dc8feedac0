"""The importers on small files in upstream's formats, and what malformed files lead to."""

import gzip
import json
import math
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sqlalchemy import func, select

from device_db import (
    Accuracies,
    ArchitectureIndices,
    ArchitectureOrderError,
    Devices,
    EncodingValues,
    ImportFormatError,
    Measurements,
    StoreCounts,
)
from device_db.importers import IMPORTERS, PUBLISHED_PROXIES, ImportReport, import_benchmark
from device_db.importers.zero_cost import PROXIES
from device_db.models import Accuracy, ArchitectureIndex, Device, EncodingValue, Measurement, Upload

_NB201 = ("|none~0|", "|skip_connect~0|", "|nor_conv_1x1~0|")
_FBNET = ([0, 1, 2], [8, 8, 8])


def canonical(space: str, notation) -> str:
    """A stand-in for the spaces' parsers that knows only the architectures of these files."""
    key = "_".join(map(str, notation)) if isinstance(notation, list) else notation
    if key not in (*_NB201, "0_1_2", "8_8_8"):
        raise LookupError(f"{key!r} is unknown")
    return key


@pytest.fixture
def help_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    for space in ("nasbench201", "fbnet", "ofa"):
        (folder / space / "latency").mkdir(parents=True)
    torch.save({_NB201[1]: 1, _NB201[0]: 0, _NB201[2]: 2}, folder / "nasbench201" / "str_arch2idx.pt")
    torch.save([1.5, 2, 3.5], folder / "nasbench201" / "latency" / "titan_rtx_256.pt")
    torch.save([4, 5, 6], folder / "nasbench201" / "latency" / "essential_ph_1.pt")
    torch.save([0.1, 0.2, 0.3], folder / "nasbench201" / "latency" / "raspi4.pt")
    torch.save(list(_FBNET), folder / "fbnet" / "arch.pt")
    torch.save([7.0, 8.0], folder / "fbnet" / "latency" / "gold_6226.pt")
    return folder


@pytest.fixture
def eagle_file(tmp_path: Path) -> Path:
    path = tmp_path / "nb201_latency_ms.csv"
    path.write_text(
        "arch_str,nb201_index,arch_vector,mobile_dsp_int8,desktop_gpu_large\n"
        f"{_NB201[0]},0,0,1.25,2\n{_NB201[1]},1,1,,3\n{_NB201[2]},2,2,nan,\n"
    )
    return path


def _hw_nas_bench_table() -> dict[str, list]:
    columns: dict[str, list] = {
        "dataset": ["cifar10"] * 3 + ["ImageNet16-120"],
        "arch_str": [*_NB201, _NB201[0]],
    }
    for device in ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga"):
        columns[f"{device}_latency"] = [0.1, 0.2, 0.3, 9.0]
    columns["edgetpu_latency"] = [-1.0, 0.5, -1.0, -1.0]
    for device in ("edgegpu", "eyeriss", "fpga"):
        columns[f"{device}_energy"] = [10.0, 20.0, 30.0, 90.0]
    return columns


@pytest.fixture
def hw_nas_bench_file(tmp_path: Path) -> Path:
    path = tmp_path / "nb201.parquet"
    pq.write_table(pa.table(_hw_nas_bench_table()), path)
    return path


@pytest.fixture
def accuracy_file(tmp_path: Path) -> Path:
    path = tmp_path / "nb201_accuracy.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(
            "nb201_index,cifar10_test_acc,cifar100_test_acc,imagenet16_120_test_acc,arch\n"
            f"1,91.5,71.5,45.5,{_NB201[1]}\n0,10,1,0.8,{_NB201[0]}\n2,90,70,40,{_NB201[2]}\n"
        )
    return path


def _import(session, name: str, path: Path, **options) -> ImportReport:
    return import_benchmark(session, IMPORTERS[name](path, canonical), uploader="tester", **options)


def _row_counts(session) -> list[int]:
    tables = (Device, Upload, Measurement, Accuracy, ArchitectureIndex, EncodingValue)
    return [session.scalar(select(func.count()).select_from(table)) for table in tables]


def test_help_stores_each_list_in_its_order_with_provenance(session, help_folder):
    report = _import(session, "help", help_folder)
    assert (report.measurements, report.devices, report.orders) == (StoreCounts(inserted=11), 4, ("nb201",))
    assert "ofa" in report.notes[0]
    measurements = Measurements(session)
    assert measurements.lookup("titan_rtx_256", "nb201", _NB201) == dict(zip(_NB201, (1.5, 2.0, 3.5), strict=True))
    assert measurements.lookup("gold_6226", "fbnet", ["0_1_2", "8_8_8"]) == {"0_1_2": 7.0, "8_8_8": 8.0}
    assert ArchitectureIndices(session).order("nb201") == list(_NB201)
    assert ArchitectureIndices(session).order("fbnet") is None
    upload = measurements.list_uploads()[0]
    assert (upload.source, upload.uploader, upload.inserted) == ("HELP", "tester", 11)


def test_help_reads_the_batch_size_from_gpu_names_only(session, help_folder):
    _import(session, "help", help_folder)
    query = select(Device.name, Measurement.batch_size).join(Measurement, Measurement.device_id == Device.id).distinct()
    found = dict(session.execute(query).all())
    assert found == {"titan_rtx_256": 256, "essential_ph_1": None, "raspi4": None, "gold_6226": None}


def test_help_reads_one_spaces_folder(session, help_folder):
    report = _import(session, "help", help_folder / "fbnet")
    assert (report.measurements, report.orders, report.notes) == (StoreCounts(inserted=2), (), ())


def test_eagle_leaves_out_what_was_not_measured(session, eagle_file):
    assert _import(session, "eagle", eagle_file).measurements == StoreCounts(inserted=3)
    assert Measurements(session).lookup("mobile_dsp_int8", "nb201", _NB201) == {_NB201[0]: 1.25}
    rows = session.scalars(select(Measurement).order_by(Measurement.id)).all()
    assert [(row.statistic, row.precision, row.input_shape) for row in rows] == [
        ("mean", "int8", "3x32x32"),
        ("mean", "", ""),
        ("mean", "", ""),
    ]


def test_eagle_reads_the_gzipped_table_alike(session, eagle_file, tmp_path):
    packed = tmp_path / "packed" / "nb201_latency_ms.csv.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(eagle_file.read_bytes()))
    _import(session, "eagle", eagle_file)
    assert _import(session, "eagle", packed.parent).measurements == StoreCounts(unchanged=3)


def test_hw_nas_bench_gives_each_dataset_its_devices_and_each_metric_its_unit(session, hw_nas_bench_file):
    report = _import(session, "hw-nas-bench", hw_nas_bench_file)
    assert report.measurements == StoreCounts(inserted=9 * 4 - 3)
    measurements = Measurements(session)
    assert measurements.lookup("edgetpu", "nb201", _NB201) == {_NB201[1]: 0.5}
    assert measurements.lookup("fpga", "nb201", _NB201, metric="energy_mj")[_NB201[2]] == 30.0
    assert measurements.lookup("raspi4_imagenet16_120", "nb201", _NB201) == {_NB201[0]: 9.0}
    units = set(session.execute(select(Measurement.metric, Measurement.unit).distinct()).all())
    assert units == {("latency_ms", "ms"), ("energy_mj", "mJ")}


def test_help_and_hw_nas_bench_share_equal_devices_without_a_change(session, help_folder, hw_nas_bench_file):
    _import(session, "help", help_folder)
    assert _import(session, "hw-nas-bench", hw_nas_bench_file).measurements == StoreCounts(inserted=30, unchanged=3)


def test_accuracy_stores_three_datasets_and_the_order(session, accuracy_file):
    report = _import(session, "accuracy", accuracy_file)
    assert (report.upload_id, report.accuracies, report.orders) == (None, StoreCounts(inserted=9), ("nb201",))
    assert Accuracies(session).datasets("nb201") == ["cifar10", "cifar100", "imagenet16-120"]
    assert Accuracies(session).lookup("nb201", "cifar100", [_NB201[1]]) == {_NB201[1]: 71.5}
    assert ArchitectureIndices(session).order("nb201") == list(_NB201)


@pytest.mark.parametrize("name", IMPORTERS)
def test_second_import_changes_nothing(session, request, name):
    path = request.getfixturevalue("help_folder" if name == "help" else f"{name.replace('-', '_')}_file")
    first = _import(session, name, path)
    before = _row_counts(session)
    second = _import(session, name, path)
    assert second.measurements == StoreCounts(unchanged=first.measurements.total)
    assert second.accuracies == StoreCounts(unchanged=first.accuracies.total)
    assert second.encodings == StoreCounts(unchanged=first.encodings.total)
    assert (second.devices, second.orders) == (0, ())
    before[1] += second.upload_id is not None
    assert _row_counts(session) == before


def test_undo_takes_an_import_back(session, help_folder):
    report = _import(session, "help", help_folder)
    assert report.upload_id is not None
    assert Measurements(session).undo(report.upload_id).removed == 11
    assert Devices(session).counts() == {}


def test_progress_ends_at_the_rows_done(session, help_folder):
    reports = []
    _import(session, "help", help_folder, on_progress=lambda done, total: reports.append((done, total)))
    assert reports == [(11, 11)]


def test_orders_that_disagree_are_refused_and_nothing_is_stored(session, help_folder, accuracy_file):
    _import(session, "accuracy", accuracy_file)
    before = _row_counts(session)
    torch.save({_NB201[1]: 0, _NB201[0]: 1, _NB201[2]: 2}, help_folder / "nasbench201" / "str_arch2idx.pt")
    with pytest.raises(ArchitectureOrderError):
        _import(session, "help", help_folder)
    assert _row_counts(session) == before


class _Hostile:
    """Unpickles to a shell command."""

    def __init__(self, witness: Path):
        self.witness = witness

    def __reduce__(self):
        return os.system, (f"touch {self.witness}",)


def _refused(session, name: str, path: Path, file: Path, reason: str) -> None:
    before = _row_counts(session)
    with pytest.raises(ImportFormatError, match=reason) as caught:
        _import(session, name, path)
    assert caught.value.path == file
    assert str(file) in str(caught.value)
    assert _row_counts(session) == before


def test_help_file_with_code_is_refused_and_not_run(session, help_folder, tmp_path):
    witness = tmp_path / "ran"
    file = help_folder / "nasbench201" / "latency" / "zz.pt"  # after the good ones: what they stored must go
    torch.save(_Hostile(witness), file)
    _refused(session, "help", help_folder, file, "not lists and numbers")
    assert not witness.exists()


def test_help_truncated_file_is_refused(session, help_folder):
    file = help_folder / "nasbench201" / "latency" / "titan_rtx_256.pt"
    file.write_bytes(file.read_bytes()[:-100])
    _refused(session, "help", help_folder, file, "damaged")


@pytest.mark.parametrize("content", [b"", b"\x80", b"not torch at all", b"PK\x03\x04"])
def test_help_file_of_another_kind_is_refused(session, help_folder, content):
    file = help_folder / "fbnet" / "arch.pt"
    file.write_bytes(content)
    _refused(session, "help", help_folder, file, "damaged")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([1.0, 2.0], "2 values"),
        ([1.0, 2.0, 3.0, 4.0], "4 values"),
        ({"a": 1.0}, "a dict"),
        ([1.0, float("nan"), 3.0], "value 1: nan"),
        ([1.0, 2.0, float("inf")], "value 2: inf"),
        ([0, 2.0, 3.0], "value 0: 0"),
        ([1.0, -2.0, 3.0], "value 1: -2.0"),
        ([1.0, "2", 3.0], "value 1: '2'"),
        ([True, 2.0, 3.0], "value 0: True"),
    ],
)
def test_help_list_that_is_no_latencies_is_refused(session, help_folder, content, reason):
    file = help_folder / "nasbench201" / "latency" / "titan_rtx_256.pt"
    torch.save(content, file)
    _refused(session, "help", help_folder, file, reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (list(_NB201), "not a dictionary"),
        ({_NB201[0]: 0, _NB201[1]: 2}, "indices"),
        ({_NB201[0]: 0, _NB201[1]: 0}, "indices"),
        ({_NB201[0]: 0, "|what~0|": 1}, "unknown"),
        ({}, "no architecture"),
    ],
)
def test_help_index_file_that_is_none_is_refused(session, help_folder, content, reason):
    file = help_folder / "nasbench201" / "str_arch2idx.pt"
    torch.save(content, file)
    _refused(session, "help", help_folder, file, reason)


def test_help_repeated_architecture_is_refused(session, help_folder):
    file = help_folder / "fbnet" / "arch.pt"
    torch.save([_FBNET[0], _FBNET[0]], file)
    _refused(session, "help", help_folder, file, "architecture 0 already")


@pytest.mark.parametrize("name", IMPORTERS)
def test_absent_path_is_refused(session, tmp_path, name):
    _refused(session, name, tmp_path / "none", tmp_path / "none", "no such")


@pytest.mark.parametrize("name", IMPORTERS)
def test_folder_without_the_files_is_refused(session, tmp_path, name):
    folder = tmp_path / "empty"
    folder.mkdir()
    _refused(session, name, folder, folder, "contains")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("arch_str", "architecture"), "lacks the columns arch_str"),
        (lambda text: text.replace("1.25", "fast"), "line 2, mobile_dsp_int8: 'fast'"),
        (lambda text: text.replace("1.25", "-1"), "line 2, mobile_dsp_int8: -1.0"),
        (lambda text: text.replace("1.25", "inf"), "inf"),
        (lambda text: text.replace("1.25,2", "1.25"), "line 2: 4 fields"),
        (lambda text: text.replace(_NB201[1], "what"), "unknown"),
        (lambda text: text.replace(_NB201[1], _NB201[0]), "architecture 0 already"),
        (lambda text: text.partition("\n")[0], "no rows"),
        (lambda text: "", "lacks the columns"),
        (lambda text: "\n".join(line.rpartition(",")[0].rpartition(",")[0] for line in text.split("\n")), "no column"),
    ],
)
def test_eagle_malformed_table_is_refused(session, eagle_file, change, reason):
    eagle_file.write_text(change(eagle_file.read_text()))
    _refused(session, "eagle", eagle_file, eagle_file, reason)


def test_eagle_truncated_gzip_is_refused(session, eagle_file):
    eagle_file.write_bytes(gzip.compress(eagle_file.read_bytes())[:-12])
    _refused(session, "eagle", eagle_file, eagle_file, "damaged")


def test_eagle_binary_file_is_refused(session, eagle_file):
    eagle_file.write_bytes(b"\xff\xfe\x00\x81" * 10)
    _refused(session, "eagle", eagle_file, eagle_file, "damaged")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dataset": ["cifar10"] * 3 + ["mnist"]}, "unknown data set 'mnist'"),
        ({"dataset": ["cifar10"] * 4}, "architecture 0 already"),
        ({"arch_str": [*_NB201, "what"]}, "unknown"),
        ({"fpga_energy": [1.0, 2.0, -3.0, 4.0]}, "fpga_energy of"),
        ({"raspi4_latency": ["1", "2", "3", "4"]}, "raspi4_latency of"),
        ({"pixel3_latency": None}, "lacks the columns pixel3_latency"),
    ],
)
def test_hw_nas_bench_malformed_table_is_refused(session, hw_nas_bench_file, change, reason):
    table = {name: column for name, column in (_hw_nas_bench_table() | change).items() if column is not None}
    pq.write_table(pa.table(table), hw_nas_bench_file)
    _refused(session, "hw-nas-bench", hw_nas_bench_file, hw_nas_bench_file, reason)


def test_hw_nas_bench_truncated_file_is_refused(session, hw_nas_bench_file):
    hw_nas_bench_file.write_bytes(hw_nas_bench_file.read_bytes()[:-20])
    _refused(session, "hw-nas-bench", hw_nas_bench_file, hw_nas_bench_file, "damaged")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("cifar100_test_acc", "cifar100", "lacks the columns cifar100_test_acc"),
        ("91.5", "101", "line 2, cifar10_test_acc: 101 is not a percentage"),
        ("91.5", "nan", "not a percentage"),
        ("91.5", "good", "not a number"),
        ("\n2,", "\n1,", "indices are not 0 to 2"),
        ("\n2,", "\nx,", "not a whole number"),
    ],
)
def test_accuracy_malformed_table_is_refused(session, accuracy_file, old, new, reason):
    text = gzip.decompress(accuracy_file.read_bytes()).decode()
    accuracy_file.write_bytes(gzip.compress(text.replace(old, new, 1).encode()))
    _refused(session, "accuracy", accuracy_file, accuracy_file, reason)


def test_help_ofa_records_in_json_are_stored_with_their_resolution(session, help_folder):
    records = [{"ks": [3], "e": [6], "d": [2], "r": resolution} for resolution in (128, 224)]
    (help_folder / "ofa" / "ofa_archs.json").write_text(json.dumps(records))
    torch.save([9.0, 10.0], help_folder / "ofa" / "latency" / "titan_xp_64.pt")
    data = IMPORTERS["help"](help_folder / "ofa", lambda space, notation: f"{space} {notation['r']}")
    assert [(row.architecture, row.value, row.batch_size, row.input_shape) for row in data.measurements] == [
        ("ofa 128", 9.0, 64, "3x128x128"),
        ("ofa 224", 10.0, 64, "3x224x224"),
    ]
    assert (data.notes, data.orders) == ((), {})
    assert "Titan Xp" in data.devices["titan_xp_64"]


@pytest.mark.parametrize("content", ["[1, 2]", "{}", "[", "[]", "\udcff"])
def test_help_ofa_records_that_are_none_are_refused(help_folder, content):
    (help_folder / "ofa" / "ofa_archs.json").write_text(content, errors="surrogateescape")
    torch.save([9.0], help_folder / "ofa" / "latency" / "titan_xp_64.pt")
    with pytest.raises(ImportFormatError, match="ofa_archs"):
        IMPORTERS["help"](help_folder / "ofa", canonical)


_ZCP = dict.fromkeys(PROXIES, 1.5) | {"flops": 2.0, "params": 0.25, "synflow": 3.0}


@pytest.fixture
def zero_cost_file(tmp_path: Path) -> Path:
    """Three cells on CIFAR-10, the first of them dead, one on another data set, and an FBNet network."""
    dead = _ZCP | {"jacov": -1e8, "synflow": 0.0}
    rows = [("cifar10", _NB201[0], dead), ("cifar10", _NB201[1], _ZCP), ("ImageNet16-120", _NB201[1], _ZCP)]
    rows.append(("cifar10", _NB201[2], _ZCP | {"grasp": -7.0}))
    lines = [",".join(("dataset", "arch_str", *PROXIES))]
    lines += [",".join((dataset, key, *(str(row[name]) for name in PROXIES))) for dataset, key, row in rows]
    (tmp_path / "nb201_zcp.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "fbnet_zcp.json").write_text(json.dumps({"8_8_8": _ZCP | {"synflow": 1e30}}))
    return tmp_path


def test_zero_cost_is_stored_in_our_units_under_its_source(session, zero_cost_file):
    progress = []
    data = IMPORTERS["zero-cost"](zero_cost_file, canonical)
    report = import_benchmark(session, data, uploader="test", on_progress=lambda *counts: progress.append(counts))
    assert report.encodings == StoreCounts(inserted=4 * len(PROXIES))
    assert (report.upload_id, report.devices) == (None, 0)
    assert progress[-1] == (4 * len(PROXIES), 4 * len(PROXIES))

    def stored(space: str, name: str, keys=_NB201) -> dict[str, float]:
        return EncodingValues(session).lookup(space, name, PUBLISHED_PROXIES[space], keys)

    assert stored("nb201", "flops") == dict.fromkeys(_NB201, 2e6)
    assert stored("nb201", "params") == dict.fromkeys(_NB201, 0.25e6)
    assert stored("nb201", "synflow") == {key: 0.0 if key == _NB201[0] else math.exp(3) for key in _NB201}
    assert stored("nb201", "grasp") == {_NB201[0]: 1.5, _NB201[1]: 1.5, _NB201[2]: -7.0}
    assert math.isnan(stored("nb201", "jacov")[_NB201[0]])
    assert stored("fbnet", "synflow", ["8_8_8"]) == {"8_8_8": 1e30}
    assert stored("fbnet", "flops", ["8_8_8"]) == {"8_8_8": 2.0}


def test_zero_cost_again_changes_nothing_and_one_file_alone_will_do(session, zero_cost_file):
    for path, counts in (
        (zero_cost_file / "fbnet_zcp.json", StoreCounts(inserted=len(PROXIES))),
        (zero_cost_file, StoreCounts(inserted=3 * len(PROXIES), unchanged=len(PROXIES))),
        (zero_cost_file / "nb201_zcp.csv", StoreCounts(unchanged=3 * len(PROXIES))),
    ):
        data = IMPORTERS["zero-cost"](path, canonical)
        assert import_benchmark(session, data, uploader="test").encodings == counts


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nb201_zcp.csv", "dataset,arch_str\ncifar10,|none~0|\n", "lacks the columns"),
        ("nb201_zcp.csv", f"dataset,arch_str,{','.join(PROXIES)}\ncifar100,|none~0|{',1' * 13}\n", "no row of the"),
        ("nb201_zcp.csv", f"dataset,arch_str,{','.join(PROXIES)}\ncifar10,|none~0|{',x' * 13}\n", "line 2, epe_nas"),
        ("nb201_zcp.csv", f"dataset,arch_str,{','.join(PROXIES)}\ncifar10,|none~0|{',inf' * 13}\n", "not finite"),
        ("fbnet_zcp.json", "[1]", "not an object"),
        ("fbnet_zcp.json", "{", "not JSON"),
        ("fbnet_zcp.json", '{"8_8_8": {"zen": 1}}', "8_8_8, epe_nas: None is not a number"),
    ],
)
def test_zero_cost_malformed_file_says_what_is_wrong(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(ImportFormatError, match=reason):
        IMPORTERS["zero-cost"](tmp_path / name, canonical)
