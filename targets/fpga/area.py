"""Cells and logic levels of unrolled circuits that nobody has synthesised, with intervals.

    luts = (a n + b w + c w' + d s + f s' + g r + h m + k) exp(e)     in generic fabric
    luts = (a c + b p + k i + d s + f s' + l c' + g r + h m) exp(e)   where carries have chains
    flip_flops = (a q + b q' + d v + f r) exp(e)

n: bits of additions that fit into a LUT each; w, w': wider ones of two terms, and the same times logarithms of widths;
s, s': rows of full adders of more terms, and their last rows likewise; c, c': all bits of additions of two terms and of
more; p: of the first, those that both terms have a bit for; i: bits that are subtracted; r: bits of control, where
there is a pipeline; m: bits of signed trees without one, times their levels; q, q': registers, and those that equal no
other; v: activations that wait, all distinct (`targets.fpga.counts`). Levels go with the additions and rows of the path
of most logic, and with its wide carry bits times the logarithm of one more than these additions; nanoseconds on a
routed iCE40 with rows, carry bits and the root of the circuit's registers, since wires are as long as a circuit is
wide. No coefficient is negative; each flow has its own, LUTs and levels for pipelined circuits or others. The variance
of e falls with the size s of a circuit, u + v / s. All are fitted to `synthesis_samples.csv` and `routed_samples.csv`
by `benchmarks/kratos_fit.py`; the file `area_model.json` keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from math import exp, log2, prod
from statistics import NormalDist
from typing import Any, Final

from targets.fpga.counts import LUT_SIZES, Features
from targets.fpga.errors import InvalidCircuitError, OutsideModelRangeError
from targets.fpga.options import Options
from targets.fpga.primitives import Primitive

# Inputs of the LUTs of a flow of `targets.fpga.synthesis`, as far as the model knows it.
FLOW_LUT_SIZES: Final = {"lut4": 4, "lut5": 5, "lut6": 6, "ice40": 4, "xc7": 6, "intel_alm": 6}
# Those without carry chains.
GENERIC_FLOWS: Final = ("lut4", "lut5", "lut6")
_FILE: Final = "area_model.json"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the bounds of its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Line:
    """A linear form with multiplicative noise.

    Attributes:
        coefficients: by the names of what they are multiplied with; `constant` stands for one.
        variance: of the logarithm of a large circuit.
        variance_per_cell: what a circuit of one cell has beside it.
    """

    coefficients: Mapping[str, float]
    variance: float
    variance_per_cell: float

    def estimate(self, known: Mapping[str, float], interval: float, *, spread: float = 0.0) -> Estimate:
        """Args: interval: probability between the bounds; spread: a further deviation of the logarithm."""
        value = sum(weight * known[name] for name, weight in self.coefficients.items())
        deviation = (self.variance + self.variance_per_cell / max(value, 1.0) + spread**2) ** 0.5
        factor = exp(NormalDist().inv_cdf(0.5 + interval / 2) * deviation)
        return Estimate(value, value / factor, value * factor)


@dataclass(frozen=True, slots=True, eq=False)
class AreaModel:
    """The fitted model; see `load_area_model`.

    Attributes:
        luts: by flow and whether circuits are pipelined.
        levels: LUTs on the longest path, likewise, of the flows without carry chains.
        flip_flops: by flow.
        delay_ns: of the slowest path of a pipelined circuit, routed on an iCE40 HX8K.
        weight_variance: what circuits have in addition where nobody gave the weights, for one weight other than zero.
        ranges: smallest and largest value of what was fitted to, by name; `nonzeros` are those of a sum.
        provenance: tool, version, rows and errors of the fit.
    """

    luts: Mapping[tuple[str, bool], Line]
    levels: Mapping[tuple[str, bool], Line]
    flip_flops: Mapping[str, Line]
    delay_ns: Line
    weight_variance: float
    ranges: Mapping[str, tuple[float, float]]
    provenance: Mapping[str, Any]

    def area(
        self,
        features: Features,
        options: Options,
        flow: str | int,
        window_bits: float | None = None,
        *,
        interval: float = 0.9,
        spread: float = 0.0,
        extrapolate: bool = False,
    ) -> tuple[Estimate, Estimate]:
        """LUTs and flip-flops.

        Args:
            features: of the circuit.
            flow: one of `flows`, or the inputs of a LUT, one of `LUT_SIZES`, for a generic fabric.
            window_bits: of activations that wait, where they are not those of the features; see `window_values`.
            interval: probability between the bounds.
            spread: a further deviation of the logarithms.
            extrapolate: whether to answer outside of what the model was fitted to.

        Raises:
            InvalidCircuitError: another flow.
            OutsideModelRangeError: unless told to extrapolate; always for another LUT size.
        """
        if isinstance(flow, int):
            if flow not in LUT_SIZES:
                raise OutsideModelRangeError("lut_size", flow, (LUT_SIZES[0], LUT_SIZES[-1]))
            flow = f"lut{flow}"
        luts = self.luts_line(flow, options)
        if not extrapolate:
            self.check(features, options)
        known = terms(features, FLOW_LUT_SIZES[flow], window_bits)
        return luts.estimate(known, interval, spread=spread), self.flip_flops[flow].estimate(
            known, interval, spread=spread
        )

    def flows(self, *, pipelined: bool = True) -> tuple[str, ...]:
        """Those that were fitted, with registers or without."""
        return tuple(flow for flow, is_pipelined in self.luts if is_pipelined == pipelined)

    def luts_line(self, flow: str, options: Options) -> Line:
        """That of a flow. Raises: InvalidCircuitError where it was not fitted."""
        flows = self.flows(pipelined=options.pipelined)
        if flow not in flows:
            raise InvalidCircuitError("area", [("flow", f"must be one of {', '.join(flows)}, got {flow!r}")])
        return self.luts[flow, options.pipelined]

    def check(self, features: Features, options: Options) -> None:
        """Raises: OutsideModelRangeError where the model was fitted to nothing like it."""
        for name, value in known_of(features, options).items():
            lowest, highest = self.ranges[name]
            if not lowest <= value <= highest:
                raise OutsideModelRangeError(name, value, (lowest, highest))

    def knows(self, features: Features, options: Options) -> bool:
        """Whether the model was fitted to something like it."""
        asked = known_of(features, options)
        return all(self.ranges[name][0] <= value <= self.ranges[name][1] for name, value in asked.items())


def known_of(features: Features, options: Options) -> dict[str, float]:
    """What the ranges of a model are of; sums beside each other are no news to it, longer ones are."""
    return {
        "weight_bits": float(options.weight_bits),
        "activation_bits": float(options.activation_bits),
        "nonzeros": features.nonzeros / max(features.sums, 1.0),
        "levels": features.levels,
    }


def terms(features: Features, lut_size: int, window_bits: float | None = None) -> dict[str, float]:
    """What lines multiply their coefficients with, by name; a circuit of nothing but zeros has no constant part."""
    path, chain = features.paths[lut_size], features.chain_path
    return {
        **asdict(features.additions[lut_size]),
        "register_bits": features.register_bits,
        "distinct_bits": features.register_bits - features.equal_bits,
        "inverted_bits": features.inverted_bits,
        "merged_bits": features.merged_bits,
        "window_bits": features.window_bits if window_bits is None else window_bits,
        "control_bits": features.control_bits,
        "wide_additions": float(path.wide_additions),
        "saved_rows": float(path.saved_rows),
        "wide_path_bits": path.wide_bits * log2(1 + path.wide_additions),
        "chain_saved_rows": float(chain.saved_rows),
        "chain_path_bits": float(chain.chain_bits),
        "root_registers": features.register_bits**0.5,
        "has_logic": 1.0 if features.widest_bits else 0.0,
        "constant": 1.0 if features.nonzeros else 0.0,
    }


def window_values(layer: Primitive) -> int:
    """Activations that a circuit of the form holds at once."""
    values = {
        "gemmt-rp": lambda: layer.input_shape[1],
        "conv1d-pw": lambda: layer.reduction_length,
        "conv2d-pw": lambda: layer.reduction_length,
        "conv2d-rp": lambda: prod(layer.input_shape) // layer.input_shape[1] * layer.weight_shape[2],
    }
    return values.get(layer.name, lambda: prod(layer.input_shape))()


@cache
def load_area_model() -> AreaModel:
    """The model that comes with the package."""
    return model_from_json(files("targets.fpga").joinpath(_FILE).read_text(encoding="utf-8"))


def model_from_json(text: str) -> AreaModel:
    """The inverse of `model_to_json`."""
    content = json.loads(text)
    ranges = {name: (low, high) for name, (low, high) in content["ranges"].items()}
    return AreaModel(
        luts=_lines_from(content["luts"]),
        levels=_lines_from(content["levels"]),
        flip_flops={flow: Line(**line) for flow, line in content["flip_flops"].items()},
        delay_ns=Line(**content["delay_ns"]),
        weight_variance=content["weight_variance"],
        ranges=ranges,
        provenance=content["provenance"],
    )


def model_to_json(model: AreaModel) -> str:
    """As the package keeps it."""
    content = {
        "luts": _lines_to(model.luts),
        "levels": _lines_to(model.levels),
        "flip_flops": {flow: asdict(line) for flow, line in model.flip_flops.items()},
        "delay_ns": asdict(model.delay_ns),
        "weight_variance": model.weight_variance,
        "ranges": {name: list(bounds) for name, bounds in model.ranges.items()},
        "provenance": dict(model.provenance),
    }
    return json.dumps(content, indent=2) + "\n"


def _lines_from(several: list[dict[str, Any]]) -> dict[tuple[str, bool], Line]:
    return {(line.pop("flow"), line.pop("pipelined")): Line(**line) for line in several}


def _lines_to(lines: Mapping[tuple[str, bool], Line]) -> list[dict[str, Any]]:
    return [{"flow": flow, "pipelined": pipelined, **asdict(line)} for (flow, pipelined), line in lines.items()]
