import json
import math

import numpy as np
import pytest
from safetensors.numpy import save

from predictors import (
    MIN_SAMPLES,
    CostLinear,
    InvalidArtifactError,
    TooFewSamplesError,
    fit_cost_linear,
    load,
)
from predictors.metrics import coverage, relative_errors, spearman
from spaces import get_space


@pytest.fixture
def device(make_device):
    return make_device(30.0, 0.05, 0.02, noise=0.02)


@pytest.fixture
def timed(space):
    return space.sample(20, rng=np.random.default_rng(1))


@pytest.fixture
def held_out(space):
    return space.sample(400, rng=np.random.default_rng(2))


@pytest.fixture
def model(space, timed, device) -> CostLinear:
    return fit_cost_linear(space, timed, device(timed))


def test_fit_twenty_samples_predict_the_rest(model, held_out, device):
    truth = device(held_out)
    estimate = model.predict(held_out)
    assert spearman(estimate.mean_ms, truth) > 0.9
    assert np.median(relative_errors(estimate.mean_ms, truth)) < 0.05


def test_fit_intervals_cover_about_their_level_over_draws(space, make_device, held_out):
    levels = (0.5, 0.8, 0.9)
    covered = []
    for seed in range(12):
        noisy = make_device(30.0, 0.05, 0.02, noise=0.05, seed=seed)
        timed = space.sample(20, rng=np.random.default_rng(seed))
        estimate = fit_cost_linear(space, timed, noisy(timed)).predict(held_out)
        covered.append([coverage(*estimate.interval(level), noisy(held_out)) for level in levels])
    assert np.mean(covered, axis=0) == pytest.approx(levels, abs=0.08)


def test_fit_source_devices_help_when_the_device_resembles_them(space, make_device, held_out):
    pool = space.sample(200, rng=np.random.default_rng(3))
    kinds = [make_device(30, 0.05, 0.02, 0.01), make_device(5, 0.05, 0.3, 0.01), make_device(60, 0.3, 0.01, 0.01)]
    sources = [fit_cost_linear(space, pool, kind(pool)) for kind in kinds]
    target, few = make_device(40, 0.06, 0.05, 0.01), pool[:6]
    truth = target(held_out)
    alone = relative_errors(fit_cost_linear(space, few, target(few)).predict(held_out).mean_ms, truth)
    helped = relative_errors(fit_cost_linear(space, few, target(few), sources).predict(held_out).mean_ms, truth)
    assert np.median(helped) < np.median(alone)


def test_fit_is_deterministic_and_scales_with_the_unit(space, timed, device, held_out):
    latency_ms = device(timed)
    first = fit_cost_linear(space, timed, latency_ms).predict(held_out).mean_ms
    np.testing.assert_array_equal(first, fit_cost_linear(space, timed, latency_ms).predict(held_out).mean_ms)
    thousandfold = fit_cost_linear(space, timed, 1000 * latency_ms).predict(held_out).mean_ms
    np.testing.assert_allclose(thousandfold, 1000 * first, rtol=1e-6)


def test_fit_many_samples_use_all_of_them(space, make_device, held_out):
    exact = make_device(30.0, 0.05, 0.02)
    pool = space.sample(600, rng=np.random.default_rng(4))
    model = fit_cost_linear(space, pool, exact(pool))
    assert model.samples == 600
    np.testing.assert_allclose(model.predict(held_out).mean_ms, exact(held_out), rtol=1e-3)


@pytest.mark.parametrize("constant", [0.1, 1.0, 3.3, 7.7])
def test_fit_constant_latency_predicts_the_constant_with_bounds_about_it(space, timed, held_out, constant):
    estimate = fit_cost_linear(space, timed, np.full(20, constant)).predict(held_out)
    np.testing.assert_allclose(estimate.mean_ms, constant, rtol=1e-3)
    lower, upper = estimate.interval(0.9)
    assert (lower < estimate.mean_ms).all()
    assert (upper < 1.01 * constant).all()


def test_fit_one_timing_threefold_hardly_harms_the_rest(space, make_device, held_out):
    exact = make_device(30.0, 0.05, 0.02, noise=0.02)
    widths, errors = [], []
    for seed in range(4):
        timed = space.sample(20, rng=np.random.default_rng(seed))
        latency_ms = exact(timed)
        clean = fit_cost_linear(space, timed, latency_ms).predict(held_out)
        latency_ms[3] *= 3
        spoilt = fit_cost_linear(space, timed, latency_ms).predict(held_out)
        errors.append(np.median(relative_errors(spoilt.mean_ms, exact(held_out))))
        widths.append(np.ptp(spoilt.interval(0.5), axis=0).mean() / np.ptp(clean.interval(0.5), axis=0).mean())
    assert np.mean(errors) < 0.06
    assert np.mean(widths) < 3


@pytest.mark.parametrize("count", [48, 49, 100])
def test_fit_about_as_many_samples_as_columns_keeps_its_coverage(make_device, held_out, space, count):
    covered = []
    for seed in range(4):
        noisy = make_device(30.0, 0.05, 0.02, noise=0.05, seed=seed)
        timed = space.sample(count, rng=np.random.default_rng(seed))
        estimate = fit_cost_linear(space, timed, noisy(timed)).predict(held_out)
        covered.append(coverage(*estimate.interval(0.9), noisy(held_out)))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.08)


@pytest.mark.parametrize("space", ["nb201"], indirect=True)  # FBNet's latencies are too alike to tell
@pytest.mark.parametrize("is_proportional", [True, False])
def test_fit_finds_whether_the_noise_grows_with_the_latency(space, make_device, is_proportional):
    pool = space.sample(300, rng=np.random.default_rng(6))
    exact = make_device(60.0, 0.1, 0.001)(pool)
    noise = 0.05 * np.random.default_rng(7).standard_normal(300)
    model = fit_cost_linear(space, pool, exact * (1 + noise) if is_proportional else exact + np.median(exact) * noise)
    assert (model.line.noise_share > 0) == is_proportional
    deviations = model.predict(pool).std_ms
    assert deviations[np.argmin(exact)] == pytest.approx(
        0.05 * (exact.min() if is_proportional else np.median(exact)), rel=0.5
    )


def test_fit_too_few_samples_says_how_many_are_needed(space, timed):
    with pytest.raises(TooFewSamplesError, match=f"at least {MIN_SAMPLES}.*got 4"):
        fit_cost_linear(space, timed[:4], np.ones(4))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_fit_latency_not_positive_and_finite_is_refused(space, timed, bad):
    with pytest.raises(ValueError, match="positive and finite"):
        fit_cost_linear(space, timed, np.array([bad] + [1.0] * 19))


def test_predict_batch_equals_singles_and_empty_is_empty(model, held_out):
    batch = model.predict(held_out[:5]).mean_ms
    singles = np.concatenate([model.predict([architecture]).mean_ms for architecture in held_out[:5]])
    np.testing.assert_allclose(batch, singles, rtol=1e-12)
    assert model.predict([]).mean_ms.shape == model.predict([]).std_ms.shape == (0,)


def test_predict_is_positive_where_the_line_would_cross_zero(space, timed, device):
    latency_ms = device(timed)
    steep = latency_ms - 0.999 * latency_ms.min()
    estimate = fit_cost_linear(space, timed, steep).predict(space.sample(500, rng=np.random.default_rng(5)))
    assert (estimate.mean_ms > 0).all()
    lower, _ = estimate.interval(0.99)
    assert (lower > 0).all()


def test_interval_widens_with_the_level_and_holds_the_mean(model, held_out):
    estimate = model.predict(held_out)
    widths = []
    for level in (0.01, 0.3, 0.5, 0.8, 0.9, 0.99, 0.9999):
        lower, upper = estimate.interval(level)
        assert (lower <= estimate.mean_ms).all()
        assert (estimate.mean_ms <= upper).all()
        widths.append(float((upper - estimate.mean_ms).mean()))
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("level", [math.ulp(0), math.nextafter(1, 0)])
def test_interval_at_the_outermost_levels_is_finite(model, held_out, level):
    estimate = model.predict(held_out)
    lower, upper = estimate.interval(level)
    assert np.isfinite(upper).all()
    assert (lower <= estimate.mean_ms).all()
    assert (estimate.mean_ms <= upper).all()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5, np.nan])
def test_interval_level_outside_zero_and_one_is_refused(model, held_out, level):
    with pytest.raises(ValueError, match="within"):
        model.predict(held_out).interval(level)


def test_to_bytes_and_load_give_the_same_predictor(model, held_out):
    loaded = load(model.to_bytes(), get_space)
    assert (loaded.name, loaded.samples) == (model.name, model.samples)
    assert isinstance(loaded, CostLinear)
    before, after = model.predict(held_out), loaded.predict(held_out)
    np.testing.assert_array_equal(before.mean_ms, after.mean_ms)
    np.testing.assert_array_equal(before.interval(0.9)[1], after.interval(0.9)[1])
    np.testing.assert_array_equal(loaded.line.left_out_ms, model.line.left_out_ms)


def test_left_out_predictions_are_those_of_the_other_samples(space, timed, device):
    latency_ms = device(timed)
    line = fit_cost_linear(space, timed, latency_ms).line
    assert line.left_out_ms.shape == line.left_out_std_ms.shape == (20,)
    assert (line.left_out_std_ms > 0).all()
    for row in (0, 7, 19):
        others = [index for index in range(20) if index != row]
        refit = fit_cost_linear(space, [timed[index] for index in others], latency_ms[others])
        alone = refit.predict([timed[row]])
        assert line.left_out_ms[row] == pytest.approx(alone.mean_ms[0], abs=0.5 * alone.std_ms[0])
        assert line.left_out_std_ms[row] == pytest.approx(alone.std_ms[0], rel=0.35)


def test_left_out_predictions_miss_a_wrong_timing(space, timed, device):
    latency_ms = device(timed)
    latency_ms[4] *= 3
    line = fit_cost_linear(space, timed, latency_ms).line
    z = (latency_ms - line.left_out_ms) / line.left_out_std_ms
    assert np.argmax(np.abs(z)) == 4
    assert z[4] > 2


def test_load_artifact_without_left_out_predictions_still_predicts(model, held_out):
    metadata = {**_manifest(model.to_bytes()), "format": 2}
    older = {name: value for name, value in model.line.tensors().items() if not name.startswith("left_out")}
    loaded = load(save(older, metadata={"manifest": json.dumps(metadata)}), get_space)
    assert isinstance(loaded, CostLinear)
    assert loaded.line.left_out_ms.shape == loaded.line.left_out_std_ms.shape == (0,)
    np.testing.assert_array_equal(loaded.predict(held_out).mean_ms, model.predict(held_out).mean_ms)


def _manifest(blob: bytes) -> dict:
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    return json.loads(header["__metadata__"]["manifest"])


def test_load_bytes_of_another_origin_are_refused(model):
    blob = model.to_bytes()
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    manifest = json.loads(header["__metadata__"]["manifest"])
    for bad in (b"", b"\x80\x04pickle", blob[: len(blob) // 2], b"\xff" * 64):
        with pytest.raises(InvalidArtifactError):
            load(bad, get_space)
    for key, value in (("predictor", "unheard"), ("format", 99), ("features", ["other"])):
        changed = json.dumps({**manifest, key: value})
        text = json.dumps({**header, "__metadata__": {"manifest": changed}}).encode()
        with pytest.raises(InvalidArtifactError):
            load(len(text).to_bytes(8, "little") + text + blob[8 + int.from_bytes(blob[:8], "little") :], get_space)
