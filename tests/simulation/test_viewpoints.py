import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.config.categories import CATEGORIES
from pipeline.simulation.viewpoints import MAX_ELEVATION, MAX_THETA, STATISTICS, sample_broad, sample_training
from support.paths import FIXTURES

TABLE = FIXTURES / "PASCAL3D+" / "viewpoint_statistics.csv"


@pytest.mark.skipif(not TABLE.is_file(), reason="the statistics' file is not here")
def test_statistics_are_those_of_the_measured_table():
    with TABLE.open(encoding="utf-8") as stream:
        rows = {row["category"]: row for row in csv.DictReader(stream)}
    assert set(rows) == set(STATISTICS)
    for category, row in rows.items():
        found = STATISTICS[category]
        assert found.azimuth_shares == tuple(float(row[f"azimuth_{30 * i:03d}"]) for i in range(12))
        for name in ("elevation_mean", "elevation_std", "theta_mean", "theta_std"):
            assert getattr(found, name) == float(row[name])


def test_training_viewpoints_follow_the_statistics():
    rng = np.random.default_rng(0)
    angles = np.array([sample_training("car", rng) for _ in range(6000)])
    bins = np.floor((angles[:, 0] + 15) / 30).astype(int) % 12
    shares = np.bincount(bins, minlength=12) / len(angles)
    np.testing.assert_allclose(shares, STATISTICS["car"].azimuth_shares, atol=0.02)
    # Uniform inside a bin: spread over its 30 degrees, not at its centre.
    inside = (angles[:, 0] + 15) % 30
    assert abs(inside.mean() - 15) < 0.5 and abs(inside.std() - 30 / np.sqrt(12)) < 0.3
    assert abs(angles[:, 1].mean() - 5.4) < 0.4 and abs(angles[:, 1].std() - 5.9) < 0.3
    assert abs(angles[:, 2].mean() + 0.1) < 0.3 and abs(angles[:, 2].std() - 4.8) < 0.3


def test_evaluation_viewpoints_are_broader():
    rng = np.random.default_rng(0)
    angles = np.array([sample_broad("train", rng, 1.0, 2.0) for _ in range(4000)])
    np.testing.assert_allclose(np.histogram(angles[:, 0], 8, (0, 360))[0] / len(angles), 1 / 8, atol=0.025)
    assert abs(angles[:, 1].std() - 2 * 5.2) < 0.5


@given(st.sampled_from(list(CATEGORIES)), st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 3))
def test_angles_stay_within_their_limits(category, seed, share, spread):
    angles = sample_broad(category, np.random.default_rng(seed), share, spread)
    assert 0 <= angles.azimuth < 360
    assert abs(angles.elevation) <= MAX_ELEVATION and abs(angles.theta) <= MAX_THETA


def test_unknown_category():
    with pytest.raises(InputError, match="chair"):
        sample_training("chiar", np.random.default_rng(0))
