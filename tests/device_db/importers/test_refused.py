"""Files that are not what upstream publishes: refused with the reason, and nothing of them stored."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from device_db import ImportFormatError
from device_db.importers import IMPORTERS, ImportReport

_NB201 = ("|none~0|", "|skip_connect~0|", "|nor_conv_1x1~0|")
_FBNET = ([0, 1, 2], [8, 8, 8])


@pytest.fixture
def refused(store: Callable[..., ImportReport], row_counts: Callable[[], list[int]]) -> Callable[..., None]:
    """Checks that an importer refuses a file, with a reason, and leaves the database as it was."""

    def check(name: str, path: Path, file: Path, reason: str) -> None:
        before = row_counts()
        with pytest.raises(ImportFormatError, match=reason) as caught:
            store(name, path)
        assert caught.value.path == file
        assert str(file) in str(caught.value)
        assert row_counts() == before

    return check


class _Hostile:
    """Unpickles to a shell command."""

    def __init__(self, witness: Path):
        self.witness = witness

    def __reduce__(self):
        return os.system, (f"touch {self.witness}",)


def test_help_file_with_code_is_refused_and_not_run(refused, help_folder, tmp_path):
    witness = tmp_path / "ran"
    file = help_folder / "nasbench201" / "latency" / "zz.pt"  # after the good ones: what they stored must go
    torch.save(_Hostile(witness), file)
    refused("help", help_folder, file, "not lists and numbers")
    assert not witness.exists()


def test_help_truncated_file_is_refused(refused, help_folder):
    file = help_folder / "nasbench201" / "latency" / "titan_rtx_256.pt"
    file.write_bytes(file.read_bytes()[:-100])
    refused("help", help_folder, file, "damaged")


@pytest.mark.one_database
@pytest.mark.parametrize("content", [b"", b"\x80", b"not torch at all", b"PK\x03\x04"])
def test_help_file_of_another_kind_is_refused(refused, help_folder, content):
    file = help_folder / "fbnet" / "arch.pt"
    file.write_bytes(content)
    refused("help", help_folder, file, "damaged")


@pytest.mark.one_database
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
def test_help_list_that_is_no_latencies_is_refused(refused, help_folder, content, reason):
    file = help_folder / "nasbench201" / "latency" / "titan_rtx_256.pt"
    torch.save(content, file)
    refused("help", help_folder, file, reason)


@pytest.mark.one_database
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
def test_help_index_file_that_is_none_is_refused(refused, help_folder, content, reason):
    file = help_folder / "nasbench201" / "str_arch2idx.pt"
    torch.save(content, file)
    refused("help", help_folder, file, reason)


def test_help_repeated_architecture_is_refused(refused, help_folder):
    file = help_folder / "fbnet" / "arch.pt"
    torch.save([_FBNET[0], _FBNET[0]], file)
    refused("help", help_folder, file, "architecture 0 already")


@pytest.mark.one_database
@pytest.mark.parametrize("name", IMPORTERS)
def test_absent_path_is_refused(refused, tmp_path, name):
    refused(name, tmp_path / "none", tmp_path / "none", "no such")


@pytest.mark.one_database
@pytest.mark.parametrize("name", IMPORTERS)
def test_folder_without_the_files_is_refused(refused, tmp_path, name):
    folder = tmp_path / "empty"
    folder.mkdir()
    refused(name, folder, folder, "contains")


@pytest.mark.one_database
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
def test_eagle_malformed_table_is_refused(refused, eagle_file, change, reason):
    eagle_file.write_text(change(eagle_file.read_text()))
    refused("eagle", eagle_file, eagle_file, reason)


def test_eagle_truncated_gzip_is_refused(refused, eagle_file):
    eagle_file.write_bytes(gzip.compress(eagle_file.read_bytes())[:-12])
    refused("eagle", eagle_file, eagle_file, "damaged")


def test_eagle_binary_file_is_refused(refused, eagle_file):
    eagle_file.write_bytes(b"\xff\xfe\x00\x81" * 10)
    refused("eagle", eagle_file, eagle_file, "damaged")


@pytest.mark.one_database
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
def test_hw_nas_bench_malformed_table_is_refused(refused, hw_nas_bench_file, change, reason):
    table = {
        name: column
        for name, column in (pq.read_table(hw_nas_bench_file).to_pydict() | change).items()
        if column is not None
    }
    pq.write_table(pa.table(table), hw_nas_bench_file)
    refused("hw-nas-bench", hw_nas_bench_file, hw_nas_bench_file, reason)


def test_hw_nas_bench_truncated_file_is_refused(refused, hw_nas_bench_file):
    hw_nas_bench_file.write_bytes(hw_nas_bench_file.read_bytes()[:-20])
    refused("hw-nas-bench", hw_nas_bench_file, hw_nas_bench_file, "damaged")


@pytest.mark.one_database
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
def test_accuracy_malformed_table_is_refused(refused, accuracy_file, old, new, reason):
    text = gzip.decompress(accuracy_file.read_bytes()).decode()
    accuracy_file.write_bytes(gzip.compress(text.replace(old, new, 1).encode()))
    refused("accuracy", accuracy_file, accuracy_file, reason)


@pytest.mark.parametrize("content", ["[1, 2]", "{}", "[", "[]", "\udcff"])
def test_help_ofa_records_that_are_none_are_refused(help_folder, canonical, content):
    (help_folder / "ofa" / "ofa_archs.json").write_text(content, errors="surrogateescape")
    torch.save([9.0], help_folder / "ofa" / "latency" / "titan_xp_64.pt")
    with pytest.raises(ImportFormatError, match="ofa_archs"):
        IMPORTERS["help"](help_folder / "ofa", canonical)
