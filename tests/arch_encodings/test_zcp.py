import numpy as np
import pytest

from arch_encodings import Zcp
from arch_encodings.zcp import SCALES, compute_reference_proxies, scale_proxies
from arch_encodings.zero_cost import PROXIES, ProxySettings, compute_proxies
from spaces import Architecture, InvalidArchitectureError, get_space

NB201 = get_space("nb201")
LIVE = NB201.parse("|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|")
DEAD = NB201.parse("|none~0|+|nor_conv_1x1~0|none~1|+|none~0|nor_conv_1x1~1|none~2|")


def test_zcp_has_every_proxy_in_the_order_of_their_registry():
    assert tuple(SCALES) == tuple(PROXIES)
    assert Zcp().feature_names(NB201) == tuple(f"zcp:{name}" for name in PROXIES)


def test_zcp_of_live_and_dead_cells_is_the_scaled_proxies():
    raw = compute_proxies(NB201, [LIVE, DEAD], settings=ProxySettings(batch_size=2))
    encoded = Zcp(lambda *_: raw).encode(NB201, [LIVE, DEAD])
    assert np.isfinite(encoded).all()
    assert not np.isfinite(raw).all()
    columns = dict(zip(PROXIES, encoded.T, strict=True))
    for name in ("fisher", "flops", "grad_norm", "params", "snip", "synflow"):
        np.testing.assert_allclose(columns[name], np.log1p(raw[:, list(PROXIES).index(name)]))
    for name in ("l2_norm", "nwot", "plain"):
        np.testing.assert_array_equal(columns[name], raw[:, list(PROXIES).index(name)])


@pytest.mark.parametrize("name", ["grasp", "jacov"])
def test_scale_of_a_heavy_tail_keeps_sign_and_order(name):
    raw = np.array([[-1e6], [-70.0], [-0.5], [0.0], [2.0], [1e9]])
    scaled = scale_proxies(raw, [name])[:, 0]
    assert (np.diff(scaled) > 0).all()
    np.testing.assert_array_equal(np.sign(scaled), np.sign(raw[:, 0]))
    assert np.abs(scaled).max() < 21


@pytest.mark.parametrize("undefined", [np.nan, -np.inf, np.inf])
def test_scale_of_undefined_proxies_is_finite_and_that_of_a_network_blind_to_its_input(undefined):
    scaled = scale_proxies(np.full((2, len(SCALES)), undefined), list(SCALES))
    expected = dict.fromkeys(SCALES, 0.0) | {"jacov": -np.log1p(1e7)}
    np.testing.assert_allclose(scaled, [list(expected.values())] * 2)


def test_scale_of_no_rows_keeps_the_columns():
    assert scale_proxies(np.empty((0, 2)), ["params", "zen"]).shape == (0, 2)


def test_default_source_uses_the_settings_of_the_reference_values():
    fbnet = get_space("fbnet")
    architecture = fbnet.sample(1, rng=np.random.default_rng(0))
    (value,) = compute_reference_proxies(fbnet, architecture, ["l2_norm"])
    assert value == compute_proxies(fbnet, architecture, ["l2_norm"], settings=ProxySettings.of_space("fbnet"))
    assert value != compute_proxies(fbnet, architecture, ["l2_norm"], settings=ProxySettings())


def test_architecture_of_another_space_with_the_same_key_is_refused_before_the_source_is_asked():
    fbnet = get_space("fbnet")
    key = fbnet.sample(1, rng=np.random.default_rng(0))[0].key
    with pytest.raises(InvalidArchitectureError):
        Zcp(source=lambda *_: pytest.fail("asked")).encode(fbnet, [Architecture("fbnet_imagenet", key)])
