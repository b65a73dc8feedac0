"""What an unrolled layer takes, how fast it is and when its results are there, without synthesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Final

import numpy as np

from targets.fpga.area import FLOW_LUT_SIZES, AreaModel, Estimate, Line, load_area_model, terms, window_values
from targets.fpga.clock import Delays, scaled_clock_ghz
from targets.fpga.counts import Features, IntArray, layer_features
from targets.fpga.errors import InvalidCircuitError
from targets.fpga.features import expected_features, mean_features
from targets.fpga.options import Options
from targets.fpga.primitives import GemmSystolic, Primitive
from targets.fpga.weights import checked_weights, seeded_weights

_DRAWN_ARRAYS: Final = 4
_SEED: Final = 20_240_706
# Where the clock network of the iCE40 HX8K ends, whose routed delays were fitted: Lattice, FPGA-DS-02029.
ICE40_MAX_CLOCK_GHZ: Final = 0.275


@dataclass(frozen=True, slots=True)
class Prediction:
    """A layer on the fabric.

    Attributes:
        luts: of the flow.
        flip_flops: of registers, windows and control.
        levels: LUTs on the longest path in a fabric without carry chains.
        fmax_mhz: clock frequency, at most that of the part's clock network; None without a pipeline or where all
            weights are zero.
        latency_cycles: from the first input of a layer to its last output; where weights are not known, as if one
            output had no zeros.
        initiation_interval: cycles from one layer's first input to the next one's.
        is_extrapolated: whether the model was fitted to nothing like it.
    """

    luts: Estimate
    flip_flops: Estimate
    levels: Estimate
    fmax_mhz: Estimate | None
    latency_cycles: int
    initiation_interval: int
    is_extrapolated: bool


def predict(
    layer: Primitive,
    options: Options,
    flow: str = "lut6",
    *,
    weights: IntArray | None = None,
    sparsity: float = 0.0,
    part: Delays | None = None,
    interval: float = 0.9,
    extrapolate: bool = False,
    model: AreaModel | None = None,
) -> Prediction:
    """What a circuit takes that nobody synthesised.

    Args:
        layer: with its sizes.
        options: widths and form.
        flow: of synthesis, one that the model was fitted to.
        weights: integers of `layer.weight_shape`; without them, seeded ones of the sparsity are meant.
        sparsity: share of zeros, where there are no weights.
        part: whose delays and clock network count; without it, those of an iCE40 HX8K, which circuits were routed on.
        interval: probability between the bounds.
        extrapolate: whether to answer outside of what the model was fitted to.
        model: instead of the one that comes with the package.

    Raises:
        InvalidCircuitError: weights of another shape or range, a flow that the model does not know, or a systolic array
            without registers.
        OutsideModelRangeError: unless told to extrapolate.
    """
    model = model or load_area_model()
    _check(layer, options, sparsity)
    luts = model.luts_line(flow, options)
    if weights is not None:
        weights = checked_weights(weights, shape=layer.weight_shape, bits=options.weight_bits)
    features = _features(layer, options, weights, sparsity)
    is_inside = model.knows(features, options)
    if not extrapolate:
        model.check(features, options)
    spread = 0.0 if weights is not None else (model.weight_variance / drawn_weights(layer, sparsity)) ** 0.5
    known = terms(features, FLOW_LUT_SIZES[flow])

    def estimate(line: Line) -> Estimate:
        return line.estimate(known, interval, spread=spread)

    generic = f"lut{FLOW_LUT_SIZES[flow]}"
    has_paths = options.pipelined and features.nonzeros > 0
    return Prediction(
        luts=estimate(luts),
        flip_flops=estimate(model.flip_flops[flow]),
        levels=estimate(model.levels[generic, options.pipelined]),
        fmax_mhz=_fmax_mhz(estimate(model.delay_ns), features, part) if has_paths else None,
        latency_cycles=_latency_cycles(layer, options, weights),
        initiation_interval=layer.initiation_interval,
        is_extrapolated=not is_inside,
    )


def drawn_weights(layer: Primitive, sparsity: float) -> float:
    """Weights other than zero, at least one, each once however many sums it is in: what chance has a part in."""
    return max(prod(layer.weight_shape) * (1 - sparsity), 1.0)


def _check(layer: Primitive, options: Options, sparsity: float) -> None:
    if not 0 <= sparsity <= 1:
        raise InvalidCircuitError(layer.name, [("sparsity", f"must be from 0 to 1, got {sparsity}")])
    if isinstance(layer, GemmSystolic) and not options.pipelined:
        raise InvalidCircuitError(layer.name, [("pipelined", "must be true: the array consists of its registers")])


def _features(layer: Primitive, options: Options, weights: IntArray | None, sparsity: float) -> Features:
    if weights is not None:
        return layer_features(layer, weights, options)
    if isinstance(layer, GemmSystolic):
        rng = np.random.default_rng(_SEED)
        arrays = (
            seeded_weights(layer.weight_shape, bits=options.weight_bits, sparsity=sparsity, rng=rng)
            for _ in range(_DRAWN_ARRAYS)
        )
        return mean_features([layer_features(layer, array, options) for array in arrays])
    meetings = layer.multiplications_per_cycle / window_values(layer)
    single = expected_features(layer.reduction_length, sparsity, options, meetings)
    features = single.times(layer.multiply_cores)
    return features if options.pipelined else replace(features, window_bits=_window_bits(layer, options))


def _window_bits(layer: Primitive, options: Options) -> float:
    """Of all beats but the newest one, which a circuit without a pipeline does not store."""
    beats = layer.weight_shape[-1] if layer.name.startswith("conv") and layer.beats > 1 else 1
    return window_values(layer) * (beats - 1) / beats * options.activation_bits


def _latency_cycles(layer: Primitive, options: Options, weights: IntArray | None) -> int:
    if not options.pipelined:
        return layer.pipelined_latency_cycles(1) - 2
    if weights is None:
        return layer.latency_cycles
    used = np.asarray(weights) != 0
    sums = used.T if used.ndim == 2 else used.reshape(len(used), -1)
    return layer.pipelined_latency_cycles(int(sums.sum(axis=1).max()))


def _fmax_mhz(delay_ns: Estimate, features: Features, part: Delays | None) -> Estimate:
    if part is None:
        cap = 1e3 * ICE40_MAX_CLOCK_GHZ
        return Estimate(*(min(1e3 / bound, cap) for bound in (delay_ns.value, delay_ns.upper, delay_ns.lower)))
    path = features.chain_path
    clock = scaled_clock_ghz(part, path.saved_rows, path.chain_bits, delay_ns)
    return Estimate(1e3 * clock.value, 1e3 * clock.lower, 1e3 * clock.upper)
