import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from arch_encodings.errors import UnknownProxyError
from arch_encodings.zero_cost import PROXIES, ProxySettings, compute_proxies
from arch_encodings.zero_cost.inputs import make_batch
from arch_encodings.zero_cost.subject import Subject
from spaces import SPACES, InvalidArchitectureError, get_space

NB201 = get_space("nb201")
# More samples than classes: `epe_nas` compares samples of one class.
SMALL = ProxySettings(seed=3, batch_size=12)
LIVE = NB201.parse("|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|")
DEAD = NB201.parse("|none~0|+|nor_conv_1x1~0|none~1|+|none~0|nor_conv_1x1~1|none~2|")
UNDEFINED = {"epe_nas", "jacov", "nwot", "zen"}
COLUMN = {name: column for column, name in enumerate(PROXIES)}


@pytest.fixture(scope="module")
def values():
    """All proxies of a live and a dead cell, (2, 13)."""
    return compute_proxies(NB201, [LIVE, DEAD], settings=SMALL)


def test_importing_the_encodings_does_not_import_torch():
    code = "import sys, arch_encodings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_all_proxies_of_a_live_cell_are_finite(values):
    assert np.isfinite(values[0]).all()


def test_batch_equals_singles_and_repeats(values):
    np.testing.assert_array_equal(compute_proxies(NB201, [DEAD], settings=SMALL)[0], values[1])
    np.testing.assert_array_equal(compute_proxies(NB201, [LIVE], settings=SMALL)[0], values[0])


@pytest.mark.parametrize("names", [[name] for name in PROXIES] + [["zen", "fisher", "jacov"], []])
def test_subset_is_part_of_all(values, names):
    part = compute_proxies(NB201, [LIVE], names, settings=SMALL)
    np.testing.assert_allclose(part[0], values[0, [COLUMN[name] for name in names]], rtol=1e-6)


def test_seed_changes_every_value_but_the_counts(values):
    other = compute_proxies(NB201, [LIVE], settings=ProxySettings(seed=4, batch_size=12))
    unchanged = {name for name, column in COLUMN.items() if other[0, column] == values[0, column]}
    assert unchanged == {"flops", "params"}


def test_global_generator_is_neither_read_nor_changed(values):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    np.testing.assert_array_equal(compute_proxies(NB201, [LIVE], settings=SMALL)[0], values[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_dead_cell_has_no_flow_and_no_defined_correlation(values):
    """Nothing reaches the output, so no weight of the cells matters and no two samples differ."""
    dead = dict(zip(PROXIES, values[1], strict=True))
    assert dead["synflow"] < 1e-6 * values[0, COLUMN["synflow"]]
    assert math.isnan(dead["jacov"])
    assert math.isnan(dead["epe_nas"])


def test_cell_of_nothing_has_no_infinite_proxy():
    """Its activations see zeros alone, the same for every sample."""
    nothing = compute_proxies(NB201, [NB201.parse([0] * 6)], settings=SMALL)
    assert not np.isinf(nothing).any()
    assert {name for name, column in COLUMN.items() if np.isnan(nothing[0, column])} == UNDEFINED


def test_snip_is_at_least_the_size_of_plain(values):
    assert (values[:, COLUMN["snip"]] >= np.abs(values[:, COLUMN["plain"]])).all()


def test_no_architectures_give_no_rows():
    assert compute_proxies(NB201, [], ["zen", "snip"]).shape == (0, 2)


def test_progress_is_reported_after_each_architecture():
    seen = []
    compute_proxies(NB201, [LIVE, DEAD], ["params"], on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_unknown_proxy_is_refused_with_the_known_ones():
    with pytest.raises(UnknownProxyError, match="synflow"):
        compute_proxies(NB201, [LIVE], ["accuracy"])


def test_architecture_of_another_space_is_refused():
    with pytest.raises(InvalidArchitectureError):
        compute_proxies(get_space("fbnet"), [LIVE], ["params"])


@pytest.mark.parametrize("wrong", [{"batch_size": 1}, {"images": "cats"}, {"initialization": "zeros"}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        ProxySettings(**wrong)


def test_configuration_tells_any_two_settings_apart():
    kinds = [ProxySettings(), ProxySettings(seed=1), ProxySettings(batch_size=8), ProxySettings(images="white")]
    assert len({kind.configuration for kind in [*kinds, ProxySettings.of_space("fbnet")]}) == 5


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_params_are_the_workloads_and_flops_at_least_its_macs(space):
    architecture = space.sample(1, rng=np.random.default_rng(0))[0]
    workload = space.workload(architecture)
    params, flops = compute_proxies(space, [architecture], ["params", "flops"])[0]
    assert params == workload.params
    assert workload.macs <= flops <= 1.2 * workload.macs


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_space_has_every_proxy(space):
    """On images a quarter as wide: which operations a network has does not depend on them, the time does."""
    architecture = space.sample(1, rng=np.random.default_rng(0))[0]
    channels, height, width = space.workload(architecture).input_shape
    shape = (2, channels, max(height // 4, 16), max(width // 4, 16))
    generator = torch.Generator().manual_seed(0)
    subject = Subject(
        architecture, shape, lambda: make_batch("white", shape, 10, generator=generator), "uniform_fan_in", 0
    )
    found = {}
    for run in set(PROXIES.values()):
        found |= run(subject, frozenset(PROXIES))
    assert found.keys() == PROXIES.keys()
    assert np.isfinite(list(found.values())).all()
