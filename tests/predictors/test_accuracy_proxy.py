import numpy as np
import pytest

from predictors.accuracy_proxy import MIN_TABLE, fit_cost_ridge
from predictors.errors import TooFewSamplesError
from spaces import SPACES

NB201 = SPACES["nb201"]


def test_ridge_recovers_an_accuracy_that_costs_explain():
    architectures = NB201.sample(200, rng=np.random.default_rng(0))
    accuracy = np.array([40 + NB201.workload(architecture).macs / 1e7 for architecture in architectures])
    ridge = fit_cost_ridge(NB201, architectures[:100], accuracy[:100])
    np.testing.assert_allclose(ridge.predict(architectures[100:]), accuracy[100:], atol=0.5)


def test_ridge_on_noise_shrinks_to_the_mean():
    rng = np.random.default_rng(1)
    architectures = NB201.sample(60, rng=rng)
    ridge = fit_cost_ridge(NB201, architectures, rng.normal(70, 5, 60))
    assert np.std(ridge.predict(NB201.sample(100, rng=rng))) < 2.5
    assert ridge.penalty >= 10


def test_ridge_stays_a_percentage_far_from_what_it_knows():
    architectures = list(NB201.enumerate())[:MIN_TABLE]
    ridge = fit_cost_ridge(NB201, architectures, np.linspace(0, 100, MIN_TABLE))
    values = ridge.predict(list(NB201.enumerate())[::100])
    assert ((values >= 0) & (values <= 100)).all()


def test_ridge_with_too_few_accuracies_is_refused():
    architectures = NB201.sample(MIN_TABLE - 1, rng=np.random.default_rng(0))
    with pytest.raises(TooFewSamplesError):
        fit_cost_ridge(NB201, architectures, np.full(MIN_TABLE - 1, 50.0))


def test_ridge_of_no_architectures_is_empty():
    architectures = NB201.sample(MIN_TABLE, rng=np.random.default_rng(0))
    assert fit_cost_ridge(NB201, architectures, np.arange(MIN_TABLE, dtype=float)).predict([]).shape == (0,)
