"""Times several networks one after the other, a process for each, and notices when the machine's speed changes.

Works with the base install: the timing itself is `targets/onnx_runtime.py`, run as a program.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from service.layer_times import layer_times
from spaces import SPACES
from spaces.onnx_model import ModelRefusedError, import_here

_OVERHEAD_S: Final = 600  # loading, quantising and profiling a large network


class TimingError(Exception):
    """A network cannot be timed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Network:
    """Something to time.

    Attributes:
        space, architecture: what it is called in the database.
        read: gives its ONNX file.
    """

    space: str
    architecture: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Timed:
    """A network's timing, as `targets/onnx_runtime.py` answers it."""

    space: str
    architecture: str
    timing: Mapping[str, Any]

    @property
    def latency_ms(self) -> float:
        """Median of the runs."""
        return float(self.timing["median_ms"])


def time_content(content: bytes, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Time one ONNX file in a process of its own; see `targets.onnx_runtime.TimingSettings`. Raises: TimingError."""
    with TemporaryDirectory(prefix="archcast-measure-") as folder:
        file = Path(folder) / "network.onnx"
        file.write_bytes(content)
        return time_file(file, settings)


def time_file(file: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a file. Raises: TimingError."""
    limit_s = float(settings.get("max_s", 5.0)) + _OVERHEAD_S
    try:
        # -P keeps the program's folder off the module path, which has modules of common names.
        run = subprocess.run(  # noqa: S603  (our own interpreter and program)
            [sys.executable, "-P", str(_program()), str(file)],
            input=json.dumps(settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        raise TimingError(f"no timing after {limit_s:g} s") from None
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
        raise TimingError(f"the timing process failed: {last}")
    answer = json.loads(run.stdout.splitlines()[-1])
    if "error" in answer:
        raise TimingError(answer["error"])
    return answer


def time_networks(
    networks: Sequence[Network], settings: Mapping[str, Any], journal: Path | None, passes: int = 1
) -> Iterator[Timed]:
    """Time each network that the journal does not have yet, which gets a line for each as soon as it is timed.

    The journal is what makes hours of work resumable: what it has of the same settings is answered from it.

    Args: passes: how often all networks are timed, one pass after the other; see `least_disturbed`.
    Raises: TimingError.
    """
    known: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for key, timing in read_journal(journal, settings) if journal else ():
        known[key].append(timing)
    for number, network in product(range(passes), networks):
        key = (network.space, network.architecture)
        timing = known[key][number] if number < len(known[key]) else None
        if timing is None:
            content = network.read()
            timing = time_content(content, settings)
            timing["layer_ms"] = _layer_ms(network, content, timing)
            if journal:
                _append(journal, {"space": key[0], "architecture": key[1], "timing": timing})
        elif timing.get("kernels") and "layer_ms" not in timing:  # a journal of an earlier version
            timing["layer_ms"] = _layer_ms(network, network.read(), timing)
        yield Timed(*key, timing)


def least_disturbed(timed: Iterable[Timed]) -> list[Timed]:
    """Of each network the pass with the smallest median: what else a machine does can only slow a network down."""
    return [min(own, key=lambda one: one.latency_ms) for own in _by_network(timed)]


def changes(timed: Iterable[Timed]) -> list[float]:
    """By what share the two fastest passes of each network differ; none of networks that were timed once."""
    fastest = [sorted(one.latency_ms for one in own)[:2] for own in _by_network(timed)]
    return [drift(*pair) for pair in fastest if len(pair) > 1]


def _by_network(timed: Iterable[Timed]) -> Collection[list[Timed]]:
    passes: defaultdict[tuple[str, str], list[Timed]] = defaultdict(list)
    for one in timed:
        passes[one.space, one.architecture].append(one)
    return passes.values()


def _layer_ms(network: Network, content: bytes, timing: Mapping[str, Any]) -> list[float] | None:
    """What each layer took; None where the profile or the file does not say it of the layers that the network has."""
    if not timing.get("kernels"):
        return None
    try:
        model = import_here(content, timing["settings"]["dimensions"])
    except ModelRefusedError:
        return None
    known = SPACES.get(network.space)
    if known is not None:
        layers = known.workload(known.parse(network.architecture)).layers
        if len(model.layers) != len(layers):
            return None
    took_ms = layer_times(model, timing["kernels"])
    return took_ms if any(took_ms) else None


def read_journal(journal: Path, settings: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Timings of these settings in a journal; a last line that was cut off counts for nothing."""
    if not journal.exists():
        return
    for line in journal.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        made_with = entry["timing"]["settings"]
        if all(made_with.get(name) == value for name, value in settings.items()):
            yield (entry["space"], entry["architecture"]), entry["timing"]


def _append(journal: Path, entry: dict[str, Any]) -> None:
    """Add a line, on a line of its own though the one before may have been cut off."""
    is_cut = journal.exists() and not journal.read_bytes().endswith(b"\n")
    with journal.open("a") as file:
        file.write("\n" * is_cut + json.dumps(entry) + "\n")


def drift(first_ms: float, again_ms: float) -> float:
    """By what share a network's latency changed between two timings, either way."""
    return max(first_ms, again_ms) / min(first_ms, again_ms) - 1


def relative_half_width(one: Timed) -> float:
    """Half of the median's confidence interval as a share of the median."""
    return (float(one.timing["upper_ms"]) - float(one.timing["lower_ms"])) / 2 / one.latency_ms


def relative_errors(predicted: Mapping[str, float], timed: Iterable[Timed]) -> list[float]:
    """|predicted / timed - 1| of each network that has a prediction."""
    return [abs(predicted[one.architecture] / one.latency_ms - 1) for one in timed if one.architecture in predicted]


def measurement_row(device: str, one: Timed) -> dict[str, Any]:
    """A row of an upload."""
    settings, machine = one.timing["settings"], one.timing["machine"]
    shapes = list(one.timing["input_shapes"].values())
    row: dict[str, Any] = {
        "device": device,
        "space": one.space,
        "architecture": one.architecture,
        "latency_ms": one.latency_ms,
        "statistic": "median",
        "runs": one.timing["runs"],
        "precision": settings["precision"],
        "runtime": f"{machine['runtime']}-t{settings['threads']}",
        "runtime_version": machine["runtime_version"],
        "measured_at": one.timing["measured_at"],
    }
    if one.timing.get("layer_ms"):
        row["layer_ms"] = one.timing["layer_ms"]
    if len(shapes) == 1 and len(shapes[0]) > 1:
        row["batch_size"] = shapes[0][0]
        row["input_shape"] = "x".join(map(str, shapes[0][1:]))
    return row


def _program() -> Path:
    """The timing program's file, found without importing its package, which needs the server's packages."""
    found = find_spec("targets")
    if found is None or not found.submodule_search_locations:
        raise TimingError("the package `targets` is not installed")
    return Path(next(iter(found.submodule_search_locations))) / "onnx_runtime.py"
