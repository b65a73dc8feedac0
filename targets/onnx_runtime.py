"""Times an ONNX file with ONNX Runtime on the CPU that it runs on; a program by itself, for a process of its own.

    echo '{"threads": 1}' | python onnx_runtime.py network.onnx

It needs onnxruntime and numpy, for int8 also onnx, and nothing of this project: it may be copied to a device. A process
for each network keeps one network's memory, threads and caches of packed weights out of another's timings.

Runs go on until the confidence interval of their median is as narrow as asked, or time is up. The interval comes from
order statistics and holds for whatever distribution, as long as runs do not depend on each other: slow drifts it cannot
see, which is why `archcast measure` times its first network once more at the end.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

_Z95: Final = 1.96
_CALIBRATION_INPUTS: Final = 4
_ELEMENT_TYPES: Final = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}


@dataclass(frozen=True, slots=True)
class TimingSettings:
    """How a network is timed.

    Attributes:
        threads: that one operation may use.
        precision: `fp32` takes the file as it is; `int8` quantises weights and activations with ONNX Runtime's static
            quantiser, calibrated on random inputs, which is enough for timings and says nothing of accuracy.
        warmup_s: runs before the first one that counts, at least three.
        half_width: of the median's 95 % confidence interval, as a share of the median, that ends the runs.
        min_runs, max_runs, max_s: of the runs that count.
        profiled_runs: of a second session, which says what each kernel takes; none for 0.
        dimensions: number of each open dimension by its name; one without is called `input.axis`.
    """

    threads: int = 1
    precision: Literal["fp32", "int8"] = "fp32"
    warmup_s: float = 0.2
    half_width: float = 0.01
    min_runs: int = 20
    max_runs: int = 2000
    max_s: float = 5.0
    profiled_runs: int = 10
    dimensions: Mapping[str, int] = field(default_factory=dict)


class UntimedError(Exception):
    """The network cannot be timed; the message says why."""


def time_model(path: Path, settings: TimingSettings) -> dict[str, Any]:
    """Latency of one run of the network, with everything that it was obtained under.

    Returns: `median_ms` with `lower_ms` and `upper_ms`; whether it `is_settled`; `runs`, `mean_ms`, `p10_ms`, `p90_ms`,
        `load_ms`, `peak_memory_mb`; `kernels` with their part of the median; `input_shapes`; `settings`; `machine`.
    Raises: UntimedError for a file that ONNX Runtime does not run.
    """
    before = machine()
    with tempfile.TemporaryDirectory(prefix="archcast-timing-") as folder:
        file = _quantised(path, Path(folder), settings) if settings.precision == "int8" else path
        started = time.perf_counter()
        session = _open(file, settings)
        load_ms = (time.perf_counter() - started) * 1e3
        feeds = _feeds(session, settings.dimensions)
        runs_ms = _timed_runs(session, feeds, settings)
        del session
        summary = summarise(runs_ms, settings.half_width)
        kernels = _profile(file, Path(folder), feeds, settings, summary["median_ms"])
    return {
        **summary,
        "load_ms": load_ms,
        "peak_memory_mb": _peak_memory_mb(),
        "kernels": kernels,
        "input_shapes": {name: list(value.shape) for name, value in feeds.items()},
        "settings": asdict(settings),
        "machine": {**before, "load_1min_after": _load()},
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def summarise(runs_ms: list[float], half_width: float) -> dict[str, Any]:
    """Median of n runs with its 95 % confidence interval, from the ranks n/2 -+ 1.96 sqrt(n)/2."""
    ordered = sorted(runs_ms)
    count = len(ordered)
    low, high = median_ranks(count)
    median = _quantile(ordered, 0.5)
    return {
        "median_ms": median,
        "lower_ms": ordered[low],
        "upper_ms": ordered[high],
        "is_settled": (ordered[high] - ordered[low]) / 2 <= half_width * median,
        "runs": count,
        "mean_ms": math.fsum(ordered) / count,
        "p10_ms": _quantile(ordered, 0.1),
        "p90_ms": _quantile(ordered, 0.9),
    }


def median_ranks(count: int) -> tuple[int, int]:
    """0-based ranks of the two runs between which the median lies with a confidence of 95 %; all of few runs."""
    low = max(0, math.floor(count / 2 - _Z95 * math.sqrt(count) / 2) - 1)
    return low, count - 1 - low


def machine() -> dict[str, Any]:
    """What the timing depends on, as far as the system tells."""
    import numpy
    import onnxruntime

    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_1min": _load(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "runtime": "onnxruntime-cpu",
        "runtime_version": onnxruntime.__version__,
        "numpy": numpy.__version__,
    }


def _open(file: Path, settings: TimingSettings, profile: Path | None = None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    for name, number in settings.dimensions.items():
        options.add_free_dimension_override_by_name(name, number)
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    try:
        # Bytes: a session on a path would follow references to other files.
        return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes have no common base
        raise UntimedError(f"ONNX Runtime refuses {file.name}: {error}") from error


def _feeds(session: Any, dimensions: Mapping[str, int]) -> dict[str, Any]:
    """Random numbers for each input, zeros where they are whole numbers, which may be indices."""
    import numpy as np

    rng = np.random.default_rng(0)
    feeds: dict[str, Any] = {}
    for one in session.get_inputs():
        shape: list[int] = []
        for axis, size in enumerate(one.shape):
            known = size if isinstance(size, int) and size > 0 else dimensions.get(f"{one.name}.{axis}")
            known = dimensions.get(size, known) if isinstance(size, str) else known
            if known is None:
                raise UntimedError(f"dimension {size or axis} of input {one.name!r} is open: bind it to a number")
            shape.append(known)
        if one.type not in _ELEMENT_TYPES:
            raise UntimedError(f"input {one.name!r} is a {one.type}")
        dtype = np.dtype(_ELEMENT_TYPES[one.type])
        is_real = dtype.kind == "f"
        feeds[one.name] = rng.standard_normal(shape).astype(dtype) if is_real else np.zeros(shape, dtype)
    return feeds


def _timed_runs(session: Any, feeds: dict[str, Any], settings: TimingSettings) -> list[float]:
    try:
        _repeat(session, feeds, 3, settings.warmup_s)
    except Exception as error:
        raise UntimedError(f"ONNX Runtime fails to run it: {error}") from error
    runs_ms: list[float] = []
    end = time.perf_counter() + settings.max_s
    while len(runs_ms) < settings.max_runs:
        started = time.perf_counter()
        session.run(None, feeds)
        finished = time.perf_counter()
        runs_ms.append((finished - started) * 1e3)
        if len(runs_ms) < settings.min_runs:
            continue
        is_checked = len(runs_ms) % 10 == 0 or finished > end
        if is_checked and (finished > end or summarise(runs_ms, settings.half_width)["is_settled"]):
            break
    return runs_ms


def _repeat(session: Any, feeds: dict[str, Any], runs: int, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while runs > 0 or time.perf_counter() < end:
        session.run(None, feeds)
        runs -= 1


def _profile(
    file: Path, folder: Path, feeds: dict[str, Any], settings: TimingSettings, median_ms: float
) -> list[dict[str, Any]]:
    """Each kernel's part of the median, in the order of their first run.

    Profiling adds time to each kernel, so the parts are scaled to add up to what runs take without it.
    """
    if not settings.profiled_runs:
        return []
    session = _open(file, settings, folder / "profile")
    _repeat(session, feeds, settings.profiled_runs, 0.0)
    events = json.loads(Path(session.end_profiling()).read_text())
    durations: dict[tuple[str, str], float] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            key = (name.removesuffix("_kernel_time"), str(event.get("args", {}).get("op_name", "")))
            durations[key] = durations.get(key, 0.0) + float(event["dur"])
    total = sum(durations.values()) or 1.0
    return [
        {"node": node, "op": op, "share": duration / total, "latency_ms": median_ms * duration / total}
        for (node, op), duration in durations.items()
    ]


def _quantised(path: Path, folder: Path, settings: TimingSettings) -> Path:
    """The network with 8-bit weights and activations."""
    import logging

    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class RandomInputs(CalibrationDataReader):
        """A few inputs of random numbers."""

        def __init__(self) -> None:
            feeds = _feeds(_open(path, settings), settings.dimensions)
            self._left = [feeds] * _CALIBRATION_INPUTS

        def get_next(self) -> dict[str, Any] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
            """The next input, None after the last."""
            return self._left.pop() if self._left else None

    logging.getLogger().setLevel(logging.ERROR)  # it advises to do what is done here
    prepared, quantised = folder / "prepared.onnx", folder / "int8.onnx"
    try:
        quant_pre_process(_without_optional_inputs(onnx.load(path)), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(quantised),
            RandomInputs(),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    except UntimedError:
        raise
    except Exception as error:  # whatever the quantiser meets in a network that it does not know
        raise UntimedError(f"ONNX Runtime's quantiser fails: {error}") from error
    return quantised


def _without_optional_inputs(model: Any) -> Any:
    """The model with inputs that have no value of their own alone.

    Up to version 3 of the format every weight is an input too. Once the quantiser has folded such a weight away, ONNX
    Runtime takes what is left of it for an input that it was not given.
    """
    model.ir_version = max(model.ir_version, 4)
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    return model


def _quantile(ordered: list[float], level: float) -> float:
    place = level * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _peak_memory_mb() -> float | None:
    try:
        import resource
    except ModuleNotFoundError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _cpu_name() -> str:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def main() -> None:
    """Time the file that the command line names, with the settings on standard input; print JSON."""
    path, settings = Path(sys.argv[1]), TimingSettings(**json.loads(sys.stdin.read() or "{}"))
    try:
        answer = time_model(path, settings)
    except UntimedError as error:
        answer = {"error": " ".join(str(error).split())[:1000]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
