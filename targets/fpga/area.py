"""LUTs and flip-flops of sums of products that nobody has synthesised, with intervals.

    luts = (a p + b t + c o + d) exp(e),   flip_flops = (g r + h w) exp(e)

p, t: bits added in products and in trees; o: bits of the operands; r: bits registered; w: bits of the window that the
activations wait in. No coefficient is negative; those of LUTs are for one size of LUT each, for pipelined circuits or
for others. The variance of e falls with the size s of a circuit, u + v / s. All are fitted to synthesised circuits of
`synthesis_samples.csv` by `benchmarks/kratos_fit.py`; the file `area_model.json` keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from math import exp, prod
from statistics import NormalDist
from typing import Any, Final

from targets.fpga.errors import OutsideModelRangeError
from targets.fpga.features import Features
from targets.fpga.options import Options
from targets.fpga.primitives import PRIMITIVES, Primitive

LUT_SIZES: Final = (4, 5, 6)
# Cells of a systolic array keep their registers where weights are zero, and add in a chain.
FORMS: Final = tuple(name for name in PRIMITIVES if name != "gemms-rp")
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

    def estimate(self, known: Mapping[str, float], interval: float) -> Estimate:
        """Args: interval: probability between the bounds."""
        value = sum(weight * known[name] for name, weight in self.coefficients.items())
        spread = (self.variance + self.variance_per_cell / max(value, 1.0)) ** 0.5
        factor = exp(NormalDist().inv_cdf(0.5 + interval / 2) * spread)
        return Estimate(value, value / factor, value * factor)


@dataclass(frozen=True, slots=True, eq=False)
class AreaModel:
    """The fitted model; see `load_area_model`.

    Attributes:
        luts: by LUT size and whether circuits are pipelined.
        flip_flops: of pipelined circuits.
        ranges: smallest and largest value of what was fitted to, by name.
        provenance: tool, version, rows and errors of the fit.
    """

    luts: Mapping[tuple[int, bool], Line]
    flip_flops: Line
    ranges: Mapping[str, tuple[float, float]]
    provenance: Mapping[str, Any]

    def area(
        self,
        features: Features,
        options: Options,
        lut_size: int,
        window_bits: float,
        *,
        interval: float = 0.9,
        extrapolate: bool = False,
    ) -> tuple[Estimate, Estimate]:
        """LUTs and flip-flops.

        Args:
            features: of the circuit.
            lut_size: one of `LUT_SIZES`.
            window_bits: see `window_values`, times the width of the activations.
            interval: probability between the bounds.
            extrapolate: whether to answer outside of what the model was fitted to.

        Raises: OutsideModelRangeError unless told to extrapolate; always for another LUT size.
        """
        if (lut_size, options.pipelined) not in self.luts:
            raise OutsideModelRangeError("lut_size", lut_size, (LUT_SIZES[0], LUT_SIZES[-1]))
        if not extrapolate:
            self._check(features, options)
        known = terms(features, window_bits)
        flip_flops = self.flip_flops.estimate(known, interval) if options.pipelined else Estimate(0.0, 0.0, 0.0)
        return self.luts[lut_size, options.pipelined].estimate(known, interval), flip_flops

    def _check(self, features: Features, options: Options) -> None:
        values = {
            "weight_bits": options.weight_bits,
            "activation_bits": options.activation_bits,
            "nonzeros": features.nonzeros,
            "levels": features.levels,
        }
        for name, value in values.items():
            lowest, highest = self.ranges[name]
            if not lowest <= value <= highest:
                raise OutsideModelRangeError(name, value, (lowest, highest))


def terms(features: Features, window_bits: float) -> dict[str, float]:
    """What lines multiply their coefficients with, by name; a circuit of nothing but zeros has no constant part."""
    return {
        "product_bits": features.product_bits,
        "tree_bits": features.tree_bits,
        "operand_bits": features.operand_bits,
        "register_bits": features.register_bits,
        "window_bits": window_bits,
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
    luts = {(line.pop("lut_size"), line.pop("pipelined")): Line(**line) for line in content["luts"]}
    ranges = {name: (low, high) for name, (low, high) in content["ranges"].items()}
    return AreaModel(luts, Line(**content["flip_flops"]), ranges, content["provenance"])


def model_to_json(model: AreaModel) -> str:
    """As the package keeps it."""
    lines = [
        {"lut_size": size, "pipelined": pipelined, **asdict(line)} for (size, pipelined), line in model.luts.items()
    ]
    content = {
        "luts": lines,
        "flip_flops": asdict(model.flip_flops),
        "ranges": {name: list(bounds) for name, bounds in model.ranges.items()},
        "provenance": dict(model.provenance),
    }
    return json.dumps(content, indent=2) + "\n"
