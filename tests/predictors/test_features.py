import numpy as np

from predictors.features import GROUPS, feature_map


def test_feature_map_columns_are_standardised_within_their_group(space):
    features = feature_map(space)
    groups = np.array(features.groups)
    assert features.reference.shape[1] == len(groups) == len(features.names)
    np.testing.assert_array_equal(features.reference[:, 0], 1.0)
    np.testing.assert_allclose(features.reference[:, 1:].mean(axis=0), 0.0, atol=1e-9)
    for group in range(1, len(GROUPS)):
        spread = features.reference[:, groups == group].var(axis=0).sum()
        np.testing.assert_allclose(spread, 1.0, rtol=1e-9)


def test_feature_map_leaves_out_constant_columns(space):
    features = feature_map(space)
    assert (features.reference[:, 1:].std(axis=0) > 0).all()


def test_feature_map_rows_belong_to_the_architectures(space):
    architectures = space.sample(4, rng=np.random.default_rng(0))
    forward, backward = feature_map(space)(architectures), feature_map(space)(architectures[::-1])
    np.testing.assert_array_equal(forward, backward[::-1])
    assert feature_map(space)([]).shape == (0, forward.shape[1])
