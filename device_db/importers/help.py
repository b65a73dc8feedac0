"""HELP: latencies of NAS-Bench-201 and FBNet architectures on 27 devices each, of Once-for-all ones on 12.

Lee et al. 2021, arXiv 2106.08630, files of github.com/HayeonLee/HELP, folder `data`. Each space has a folder with its
architectures and one list of latencies in ms per device. Upstream says neither how often a network ran nor which
statistic a value is. Its raspi4, pixel3, eyeriss and fpga are HW-NAS-Bench's (equal to the last digit on
NAS-Bench-201), so they carry that importer's provenance and importing both changes nothing.

Upstream keeps the Once-for-all architectures, `ofa/ofa_archs.pt`, as a Python pickle, which is never loaded here. What
is read is the same list of records as JSON, `ofa/ofa_archs.json`; without it the folder is left out, with a note.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import (
    BenchmarkData,
    Canonical,
    canonical_keys,
    in_index_order,
    positive_number,
)
from device_db.importers.hw_nas_bench import MODELLED, SHARED_DEVICES
from device_db.importers.torch_lists import load_plain
from device_db.rows import MeasurementRow

_SOURCE = "HELP"
_CIFAR_SHAPE = "3x32x32"  # NAS-Bench-201 for CIFAR-10, FBNet with its CIFAR-100 macro
_GPUS: Final[dict[str, str]] = {
    "1080ti": "NVIDIA GeForce GTX 1080 Ti",
    "2080ti": "NVIDIA GeForce RTX 2080 Ti",
    "titan_rtx": "NVIDIA Titan RTX",
    "titanx": "NVIDIA Titan X",
    "titanxp": "NVIDIA Titan Xp",
    "titan_xp": "NVIDIA Titan Xp",
    "v100": "NVIDIA Tesla V100",
}
_OTHERS: Final[dict[str, str]] = {
    "essential_ph_1": "Essential PH-1 phone",
    "gold_6226": "Intel Xeon Gold 6226",
    "gold_6240": "Intel Xeon Gold 6240",
    "pixel2": "Google Pixel 2 phone",
    "samsung_a50": "Samsung Galaxy A50 phone",
    "samsung_s7": "Samsung Galaxy S7 phone",
    "silver_4114": "Intel Xeon Silver 4114",
    "silver_4210r": "Intel Xeon Silver 4210R",
}
# Only a GPU's name ends in a batch size: essential_ph_1 is a phone.
_GPU_NAME = re.compile(rf"({'|'.join(_GPUS)})_(\d+)")


@dataclass(frozen=True, slots=True)
class _Folder:
    """How HELP keeps one space: a file that names the architectures, and `latency/*.pt`."""

    space: str
    architectures: str
    load: Callable[[Path], Any]
    notations: Callable[[Path, Any], list[Any]]
    is_benchmark_order: bool
    input_shape: Callable[[Any], str] = lambda _: _CIFAR_SHAPE


@dataclass(frozen=True, slots=True)
class _Architectures:
    """Canonical keys of a folder's architectures and the shapes of the images that they were timed with, in order."""

    keys: list[str]
    input_shapes: list[str]


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """HELP's data folder, or one space's folder in it."""
    found = [
        (folder, directory)
        for name, folder in _FOLDERS.items()
        for directory in (path, path / name)
        if (directory / folder.architectures).is_file()
    ]
    if not found:
        wanted = " or ".join(folder.architectures for folder in _FOLDERS.values())
        reason = f"neither it nor a space's folder in it contains {wanted}"
        raise ImportFormatError(path, reason if path.is_dir() else "no such folder")
    known = {folder.space: _architectures(folder, directory, canonical) for folder, directory in found}
    files = [(folder.space, file) for folder, directory in found for file in _latency_files(directory)]
    return BenchmarkData(
        source=_SOURCE,
        devices={file.stem: _describe(file.stem) for _, file in files},
        measurements=(row for space, file in files for row in _rows(space, known[space], file)),
        row_count=sum(len(known[space].keys) for space, _ in files),
        orders={folder.space: known[folder.space].keys for folder, _ in found if folder.is_benchmark_order},
        notes=_notes(path),
    )


def _nb201_notations(path: Path, content: Any) -> list[str]:
    if not isinstance(content, dict) or not all(isinstance(index, int) for index in content.values()):
        raise ImportFormatError(path, "not a dictionary from architecture strings to indices")
    return in_index_order(path, ((index, text) for text, index in content.items()), len(content))


def _fbnet_notations(path: Path, content: Any) -> list[list[int]]:
    if not isinstance(content, list):
        raise ImportFormatError(path, "not a list of architectures")
    return content


def _ofa_notations(path: Path, content: Any) -> list[dict[str, Any]]:
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ImportFormatError(path, "not a list of architecture records")
    return content


def _ofa_input_shape(record: dict[str, Any]) -> str:
    return f"3x{record['r']}x{record['r']}"


def _load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ImportFormatError(path, f"not JSON ({error})") from error


_FOLDERS: Final[dict[str, _Folder]] = {
    "nasbench201": _Folder("nb201", "str_arch2idx.pt", load_plain, _nb201_notations, is_benchmark_order=True),
    "fbnet": _Folder("fbnet", "arch.pt", load_plain, _fbnet_notations, is_benchmark_order=False),
    "ofa": _Folder(
        "ofa", "ofa_archs.json", _load_json, _ofa_notations, is_benchmark_order=False, input_shape=_ofa_input_shape
    ),
}


def _architectures(folder: _Folder, directory: Path, canonical: Canonical) -> _Architectures:
    file = directory / folder.architectures
    notations = folder.notations(file, folder.load(file))
    keys = canonical_keys(file, folder.space, notations, canonical)
    if not keys:
        raise ImportFormatError(file, "names no architecture")
    return _Architectures(keys, [folder.input_shape(notation) for notation in notations])


def _latency_files(directory: Path) -> list[Path]:
    files = sorted((directory / "latency").glob("*.pt"))
    if not files:
        raise ImportFormatError(directory / "latency", "contains no .pt file")
    return files


def _rows(space: str, architectures: _Architectures, file: Path) -> Iterator[MeasurementRow]:
    values, keys = load_plain(file), architectures.keys
    if not isinstance(values, list) or len(values) != len(keys):
        got = f"{len(values)} values" if isinstance(values, list) else f"a {type(values).__name__}"
        raise ImportFormatError(
            file, f"{got}, but a list of one latency for each of {len(keys)} architectures is wanted"
        )
    device = file.stem
    statistic = "model" if device in MODELLED else ""
    gpu = _GPU_NAME.fullmatch(device)
    batch_size = int(gpu[2]) if gpu else None
    for index, (key, input_shape, value) in enumerate(zip(keys, architectures.input_shapes, values, strict=True)):
        latency_ms = positive_number(file, value, f"value {index}")
        yield MeasurementRow(
            device,
            space,
            key,
            latency_ms,
            statistic=statistic,
            batch_size=batch_size,
            input_shape=input_shape,
        )


def _describe(device: str) -> str:
    gpu = _GPU_NAME.fullmatch(device)
    if gpu:
        return f"{_GPUS[gpu[1]]}, batch {gpu[2]} (HELP)"
    if device in SHARED_DEVICES:
        return SHARED_DEVICES[device]
    return f"{_OTHERS.get(device, device)} (HELP)"


def _notes(path: Path) -> tuple[str, ...]:
    folder = path / "ofa"
    if folder.is_dir() and not (folder / _FOLDERS["ofa"].architectures).is_file():
        return ("ofa left out: it needs ofa_archs.json, upstream's pickled list of architectures written as JSON",)
    return ()
