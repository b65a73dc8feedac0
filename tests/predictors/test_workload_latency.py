"""The predictor over layers: recovers costs that are there, and knows what it has not seen."""

from dataclasses import replace

import numpy as np
import pytest

from predictors import TooFewSamplesError
from predictors.workload_columns import COLUMNS, layer_columns, workload_columns
from predictors.workload_latency import fit_workload_latency
from spaces import SPACES, Architecture
from spaces.base import FloatArray, Layer, Workload
from targets import load_target

NB201, FBNET = SPACES["nb201"], SPACES["fbnet"]


def columns_of(architectures: list[Architecture]) -> FloatArray:
    return np.array([workload_columns(SPACES[one.space].workload(one)) for one in architectures])


def drawn(space: str, count: int, seed: int) -> list[Architecture]:
    return SPACES[space].sample(count, rng=np.random.default_rng(seed))


def simulated(architectures: list[Architecture]) -> FloatArray:
    target = load_target("roofline-phone-cpu")
    return np.array([target.cost(SPACES[one.space].workload(one)).latency_ms for one in architectures])


def test_columns_of_layers_add_up_and_count_the_batch():
    workload = NB201.workload(drawn("nb201", 1, 0)[0])
    layers = layer_columns(workload.layers)
    assert layers.shape == (len(workload.layers), len(COLUMNS))
    assert layers.sum(axis=0) == pytest.approx(workload_columns(workload))
    assert layers[:, [COLUMNS.index(name) for name in COLUMNS if "macs" in name]].sum() == workload.macs
    twice = workload_columns(replace(workload, batch=2))
    assert twice[COLUMNS.index("launch")] == len(workload.layers)
    assert twice[COLUMNS.index("macs:dense")] == 2 * layers.sum(axis=0)[COLUMNS.index("macs:dense")]


def test_fit_predicts_other_networks_of_the_same_space():
    timed, others = drawn("nb201", 40, 1), drawn("nb201", 40, 2)
    model = fit_workload_latency(NB201, columns_of(timed), simulated(timed))
    estimate = model.predict(others)
    truth = simulated(others)
    assert np.abs(estimate.mean_ms / truth - 1).mean() < 0.05
    lower, upper = estimate.interval(0.9)
    assert ((lower <= truth) & (truth <= upper)).mean() > 0.8
    assert np.mean(model.is_unlike_samples(others)) < 0.1
    assert (model.weights >= 0).all()
    assert model.samples == 40


def test_fit_on_one_family_speaks_of_another_with_wider_bounds():
    timed, others = drawn("nb201", 60, 3), drawn("fbnet", 30, 4)
    model = fit_workload_latency(FBNET, columns_of(timed), simulated(timed))
    estimate, truth = model.predict(others), simulated(others)
    assert np.abs(estimate.mean_ms / truth - 1).mean() < 0.6
    own = replace(model, space=NB201).predict(timed)
    assert np.median(estimate.std_ms / estimate.mean_ms) > 2 * np.median(own.std_ms / own.mean_ms)
    assert all(model.is_unlike_samples(others))
    lower, upper = estimate.interval(0.9)
    assert ((lower <= truth) & (truth <= upper)).mean() > 0.7


def test_several_families_tell_how_far_off_another_one_may_be():
    timed = [*drawn("nb201", 30, 3), *drawn("fbnet", 30, 4)]
    others = drawn("ofa", 20, 5)
    latency_ms = simulated(timed) * np.repeat([1.0, 2.0], 30)  # a runtime that likes one of them
    alone = fit_workload_latency(SPACES["ofa"], columns_of(timed), latency_ms)
    told = fit_workload_latency(SPACES["ofa"], columns_of(timed), latency_ms, ["nb201"] * 30 + ["fbnet"] * 30)
    assert alone.unlike_spread == 0
    assert told.unlike_spread > 0.3
    unlike = np.array(told.is_unlike_samples(others))
    assert unlike.mean() > 0.5
    relative, before = (model.predict(others).std_ms / model.predict(others).mean_ms for model in (told, alone))
    assert (relative[unlike] >= told.unlike_spread * (1 - 1e-9)).all()
    assert (relative >= before).all()
    assert relative[~unlike] == pytest.approx(before[~unlike])


def test_network_with_a_kernel_that_was_never_timed_has_wider_bounds_and_says_so():
    timed = drawn("nb201", 40, 1)
    model = fit_workload_latency(NB201, columns_of(timed), simulated(timed))
    plain = NB201.workload(timed[0])
    local = Layer("local", "norm", 16, 16, 32, 32, 32, 32, is_affine=False)

    class Given:
        """A space of two networks: a timed one as it is, and with a small normalisation over neighbours."""

        name = "given"

        def workload(self, architecture: Architecture) -> Workload:
            return replace(plain, layers=(*plain.layers, *([local] if architecture.key == "local" else [])), reads=())

    given = replace(model, space=Given())  # pyright: ignore[reportArgumentType]
    networks = [Architecture("nb201", "plain"), Architecture("nb201", "local")]
    estimate = given.predict(networks)
    relative = estimate.std_ms / estimate.mean_ms
    assert given.is_unlike_samples(networks) == [False, True]
    assert estimate.mean_ms[1] < 1.1 * estimate.mean_ms[0]
    assert relative[1] > relative[0] + 0.3


@pytest.mark.parametrize("count", [1, 30])
def test_kind_of_kernel_that_timed_networks_hardly_have_may_cost_what_the_dearest_does(count: int):
    timed = drawn("fbnet", 40, 1)  # one small pool each
    model = fit_workload_latency(FBNET, columns_of(timed), simulated(timed))
    plain = FBNET.workload(timed[0])
    pools = tuple(Layer(f"pool{number}", "pool", 64, 64, 56, 56, 56, 56, kernel=3) for number in range(count))

    class Given:
        """One network with pools that the timed ones do not have."""

        name = "given"

        def workload(self, architecture: Architecture) -> Workload:
            return replace(plain, layers=(*plain.layers, *pools))

    given = replace(model, space=Given())  # pyright: ignore[reportArgumentType]
    network = [Architecture("given", "pools")]
    estimate = given.predict(network)
    moved = sum(4.0 * (layer.in_elements + layer.out_elements) for layer in pools)
    assert estimate.std_ms[0] >= model.dearest_ms * moved * (1 - 1e-9)
    assert given.is_unlike_samples(network) == [True]


def test_bounds_are_those_of_the_family_that_is_asked_for():
    rng = np.random.default_rng(0)
    timed = [*drawn("nb201", 40, 3), *drawn("fbnet", 40, 4)]
    latency_ms = simulated(timed) * np.concatenate([np.ones(40), rng.choice([0.6, 1.2], 40)])
    model = fit_workload_latency(NB201, columns_of(timed), latency_ms, ["nb201"] * 40 + ["fbnet"] * 40)
    relative = {}
    for space in ("nb201", "fbnet"):
        others = drawn(space, 20, 7)
        estimate = replace(model, space=SPACES[space]).predict(others)
        relative[space] = np.median(estimate.std_ms / estimate.mean_ms)
    assert relative["fbnet"] > 2 * relative["nb201"]


def test_networks_that_the_runtime_left_out_do_not_rule_the_fit():
    timed, others = drawn("nb201", 60, 5), drawn("nb201", 30, 6)
    latency_ms = simulated(timed)
    latency_ms[::20] *= 1e-3
    model = fit_workload_latency(NB201, columns_of(timed), latency_ms)
    assert np.abs(model.predict(others).mean_ms / simulated(others) - 1).mean() < 0.1


def test_layers_add_up_to_the_prediction_and_batches_equal_singles():
    timed = drawn("nb201", 20, 7)
    model = fit_workload_latency(NB201, columns_of(timed), simulated(timed))
    others = drawn("nb201", 5, 8)
    estimate = model.predict(others)
    assert [model.layer_ms(one).sum() for one in others] == pytest.approx(estimate.mean_ms)
    singles = [model.predict([one]) for one in others]
    assert [float(one.mean_ms[0]) for one in singles] == pytest.approx(estimate.mean_ms)
    assert [float(one.std_ms[0]) for one in singles] == pytest.approx(estimate.std_ms)
    assert model.predict([]).mean_ms.shape == (0,)


def test_too_few_or_bad_samples_are_refused():
    timed = drawn("nb201", 5, 9)
    with pytest.raises(TooFewSamplesError):
        fit_workload_latency(NB201, columns_of(timed[:4]), simulated(timed[:4]))
    with pytest.raises(ValueError, match="positive"):
        fit_workload_latency(NB201, columns_of(timed), np.zeros(5))
    assert np.isfinite(fit_workload_latency(NB201, columns_of(timed), simulated(timed)).weights).all()
