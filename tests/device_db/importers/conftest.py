"""Small files in upstream's formats, and a database to import them into."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from device_db.importers import IMPORTERS, ImportReport, import_benchmark
from device_db.importers.zero_cost import PROXIES
from device_db.models import Accuracy, ArchitectureIndex, Device, EncodingValue, Measurement, Upload

_NB201 = ("|none~0|", "|skip_connect~0|", "|nor_conv_1x1~0|")
_FBNET = ([0, 1, 2], [8, 8, 8])
_ZCP = dict.fromkeys(PROXIES, 1.5) | {"flops": 2.0, "params": 0.25, "synflow": 3.0}


@pytest.fixture(scope="session")
def canonical() -> Callable[..., str]:
    """A stand-in for the spaces' parsers that knows only the architectures of these files."""

    def parse(space: str, notation) -> str:
        key = "_".join(map(str, notation)) if isinstance(notation, list) else notation
        if key not in (*_NB201, "0_1_2", "8_8_8"):
            raise LookupError(f"{key!r} is unknown")
        return key

    return parse


@pytest.fixture
def store(session: Session, canonical: Callable[..., str]) -> Callable[..., ImportReport]:
    """Reads the files of an importer and stores what is in them."""

    def run(name: str, path: Path, **options) -> ImportReport:
        return import_benchmark(session, IMPORTERS[name](path, canonical), uploader="tester", **options)

    return run


@pytest.fixture
def row_counts(session: Session) -> Callable[[], list[int]]:
    """Counts the rows of every table that imports write to."""
    tables = (Device, Upload, Measurement, Accuracy, ArchitectureIndex, EncodingValue)
    return lambda: [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


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


@pytest.fixture
def hw_nas_bench_file(tmp_path: Path) -> Path:
    columns: dict[str, list] = {
        "dataset": ["cifar10"] * 3 + ["ImageNet16-120"],
        "arch_str": [*_NB201, _NB201[0]],
    }
    for device in ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga"):
        columns[f"{device}_latency"] = [0.1, 0.2, 0.3, 9.0]
    columns["edgetpu_latency"] = [-1.0, 0.5, -1.0, -1.0]
    for device in ("edgegpu", "eyeriss", "fpga"):
        columns[f"{device}_energy"] = [10.0, 20.0, 30.0, 90.0]
    path = tmp_path / "nb201.parquet"
    pq.write_table(pa.table(columns), path)
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
