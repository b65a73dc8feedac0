"""Costs of targets that are not additive: each architecture is costed once, whoever asks."""

from collections.abc import Sequence

import numpy as np

from service.cost_memory import CostMemory
from service.device_costs import SimulatedCosts
from spaces import SPACES, Architecture
from targets import CostArrays, FpgaUnrolled, load_target, segment_costs

NB201 = SPACES["nb201"]
CELLS = NB201.sample(6, rng=np.random.default_rng(2))


class Counting:
    """Costs by the length of the key; counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Architecture] = []

    def __call__(self, architectures: Sequence[Architecture]) -> CostArrays:
        self.asked += architectures
        sizes = np.array([float(len(each.key)) for each in architectures])
        return CostArrays(sizes, None, 2.0, "sizes", luts=10 * sizes, is_extrapolated=sizes > 60)


def test_memory_asks_for_each_architecture_once_and_keeps_the_order():
    compute = Counting()
    memory = CostMemory(compute)
    first = memory(CELLS[:4])
    second = memory([CELLS[5], *CELLS[3::-1], CELLS[5]])
    assert sorted(compute.asked) == sorted([*CELLS[:4], CELLS[5]])
    plain = Counting()([CELLS[5], *CELLS[3::-1], CELLS[5]])
    assert second.latency_ms.tolist() == plain.latency_ms.tolist()
    assert second.luts is not None
    assert plain.luts is not None
    assert second.luts.tolist() == plain.luts.tolist()
    assert second.is_extrapolated is not None
    assert second.is_extrapolated.dtype == np.bool_
    assert (second.energy_mj, second.area_mm2, second.model) == (None, 2.0, "sizes")
    assert first.latency_ms.shape == (4,)
    assert memory([]).latency_ms.shape == (0,)


def test_metrics_of_a_device_share_what_is_computed(monkeypatch):
    costed = []

    def counting(target, space, architectures, *args, **kwargs):
        costed.extend(architectures)
        return segment_costs(target, space, architectures, *args, **kwargs)

    monkeypatch.setattr("service.device_costs.segment_costs", counting)
    target = load_target("fpga_unrolled")
    assert isinstance(target, FpgaUnrolled)
    costs = SimulatedCosts(target, NB201)
    values = {name: evaluate(CELLS) for name, evaluate in costs.evaluators.items()}
    told = costs.latencies(CELLS, 0.9)
    assert costed == CELLS
    whole = segment_costs(target, NB201, CELLS)
    assert values["latency_ms"].tolist() == told.value_ms.tolist() == whole.latency_ms.tolist()
    assert whole.luts is not None
    assert values["luts"].tolist() == whole.luts.tolist()
