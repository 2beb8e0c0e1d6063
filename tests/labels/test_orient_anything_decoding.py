"""From logits to angles and symmetry folds: peaks at known bins, and distributions of known symmetry."""

from functools import partial

import numpy as np
import pytest
from scipy.optimize import curve_fit

from pipeline.labels.poses.orient_anything import decoding
from pipeline.labels.poses.orient_anything.decoding import decode, symmetry_fold

X = np.deg2rad(np.arange(360))


def logits_of(probability: np.ndarray) -> np.ndarray:
    return np.log(probability) - np.log1p(-probability)


def azimuth_logits(fold: int, k: float, mu: float, height: float = 0.8) -> np.ndarray:
    """Of a von Mises distribution, repeated `fold` times, with peaks of `height`, one of them at mu degrees."""
    return logits_of(height * np.exp(k * (np.cos(fold * (X - np.deg2rad(mu))) - 1)))


def peaks(azimuth: int, elevation: int, rotation: int) -> np.ndarray:
    """Logits with one high bin for each angle."""
    row = np.full(900, -5.0)
    row[azimuth], row[360 + 90 + elevation], row[540 + 180 + rotation] = 3, 2, 1
    return row


ANGLES = [(0, 0, 0), (359, -90, -180), (1, 89, 179), (90, 1, -1), (180, -1, 1), (270, 45, 90), (17, -33, -120)]


def test_peaks_decode_to_their_bins():
    result = decode(np.array([peaks(*angles) for angles in ANGLES]))
    np.testing.assert_array_equal(np.array(result[:3]).T, ANGLES)


def test_angles_do_not_depend_on_each_other_and_first_of_equal_bins_counts():
    rows = np.random.default_rng(0).normal(size=(20, 900))
    result = decode(rows)
    for i, row in enumerate(rows):
        bins = [max(range(first, last), key=lambda j: row[j]) for first, last in ((0, 360), (360, 540), (540, 900))]
        assert [bins[0], bins[1] - 450, bins[2] - 720] == [result.azimuth[i], result.elevation[i], result.rotation[i]]
    flat = decode(np.zeros((1, 900)))
    assert (flat.azimuth[0], flat.elevation[0], flat.rotation[0], flat.fold[0]) == (0, -90, -180, 0)


def test_batch_is_its_rows_and_may_be_empty():
    rows = np.array([[*azimuth_logits(fold, 2.0, 40), *np.zeros(540)] for fold in (1, 4, 2)], dtype=np.float32)
    whole = decode(rows)
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(np.array(decode(row[None]))[:, 0], np.array(whole)[:, i])
    np.testing.assert_array_equal(whole.fold, [1, 4, 2])
    assert all(len(part) == 0 for part in decode(np.zeros((0, 900))))


@pytest.mark.parametrize("fold", [1, 2, 4])
@pytest.mark.parametrize("mu", [0, 3, 90, 137, 359])
@pytest.mark.parametrize("k", [2.0, 4.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_symmetric_distributions_show_their_fold(fold, mu, k, dtype):
    assert symmetry_fold(azimuth_logits(fold, k, mu).astype(dtype)) == fold


@pytest.mark.parametrize("fold", [1, 2, 4])
def test_fold_survives_noise(fold):
    rng = np.random.default_rng(fold)
    noisy = [azimuth_logits(fold, 3.0, mu) + 0.5 * rng.normal(size=360) for mu in rng.integers(0, 360, 10)]
    assert [symmetry_fold(row) for row in noisy] == [fold] * 10


@pytest.mark.parametrize("height", [1e-3, 0.5, 0.999])
def test_height_of_the_distribution_does_not_matter(height):
    for fold in (1, 2, 4):
        assert symmetry_fold(azimuth_logits(fold, 3.0, 40, height)) == fold


def test_unequal_fronts_are_two_as_long_as_they_look_alike():
    """Of a front and a back the weaker one makes half, then a tenth of the stronger one."""

    def mixed(share: float) -> np.ndarray:
        there, behind = (np.exp(6 * (np.cos(X - np.deg2rad(mu)) - 1)) for mu in (40, 220))
        return logits_of(0.8 * (there + share * behind))

    assert symmetry_fold(mixed(0.9)) == 2
    assert symmetry_fold(mixed(0.1)) == 1


@pytest.mark.parametrize(
    "row",
    [
        np.zeros(360),
        np.full(360, -30.0),
        np.full(360, 30.0),
        np.full(360, -1000.0),
        np.random.default_rng(0).normal(size=360),
        azimuth_logits(3, 3.0, 20),
        azimuth_logits(8, 3.0, 20),
        azimuth_logits(1, 0.2, 20),
        azimuth_logits(2, 0.2, 20),
        azimuth_logits(4, 0.1, 20),
    ],
    ids=["zero", "low", "high", "underflow", "noise", "three", "eight", "flat 1", "flat 2", "flat 4"],
)
def test_no_preferred_direction(row):
    assert symmetry_fold(row) == 0


@pytest.mark.parametrize(("fold", "limit"), [(1, 0.6), (2, 0.5), (4, 0.25)])
def test_sharpness_decides_at_the_published_limits(fold, limit):
    """Of exp(k cos(a x)) / (2 pi) scaled to the integral 1, the fit finds another, smaller k: look for where it is."""

    def fitted(k: float) -> float:
        density = np.exp(k * np.cos(fold * X))
        density /= density.mean() * 2 * np.pi
        # By hand: the least squares over a fine grid of k, with mu known.
        grid = np.arange(0, 3, 0.001)
        error = ((np.exp(grid[:, None] * np.cos(fold * X)) / (2 * np.pi) - density) ** 2).sum(1)
        return float(grid[error.argmin()])

    ks = np.arange(0.1, 2, 0.02)
    values = np.array([fitted(k) for k in ks])
    found = np.array([symmetry_fold(azimuth_logits(fold, k, 0, 0.5)) for k in ks])
    clear = abs(values - limit) > 0.002
    np.testing.assert_array_equal(found[clear], np.where(values >= limit, fold, 0)[clear])
    assert 0.2 < (found == fold).mean() < 0.95


def test_closeness_decides_at_the_published_limit():
    """Ever more noise in the logits of one front: 0 from R^2 < 0.45 on."""
    noise = np.random.default_rng(1).normal(size=360)
    rows = [azimuth_logits(1, 2.0, 77) + share * noise for share in np.linspace(0, 2.5, 21)]
    expected = [rule(row) for row in rows]
    assert [symmetry_fold(row) for row in rows] == expected
    assert expected[0] == 1 and expected[-1] == 0


def rule(logits: np.ndarray) -> int:
    """The released rule, step by step; bins from 0 to 360 degrees inclusive as there, trapezoids for the integral."""
    x = np.linspace(0, 2 * np.pi, 360)
    density = 1 / (1 + np.exp(-logits))
    density = density / (np.trapezoid(density, x) + 1e-8)
    results = []
    for fold in (1, 2, 4):
        model = partial(lambda a, x, mu, k: np.exp(k * np.cos(a * (x - mu))) / (2 * np.pi), fold)
        (mu, k), _ = curve_fit(model, x, density, p0=[x[density.argmax()], 1])
        variance = ((density - density.mean()) ** 2).sum()
        results.append((1 - ((density - model(x, mu, k)) ** 2).sum() / (variance + 1e-8), fold, k))
        if results[-1][0] > 0.8:
            break
    closeness, fold, k = max(results, key=lambda item: item[0])
    return fold if closeness >= 0.45 and k >= {1: 0.6, 2: 0.5, 4: 0.25}[fold] else 0


def test_folds_are_those_of_the_released_rule():
    """It spreads its 360 bins from 0 to 360 degrees inclusive; that changes nothing here."""
    rng, found = np.random.default_rng(5), []
    for _ in range(60):
        fold, k, mu = rng.choice([1, 2, 4]), rng.uniform(0.1, 4), rng.uniform(0, 360)
        row = azimuth_logits(int(fold), k, mu, rng.uniform(0.1, 0.9)) + rng.uniform(0, 1.5) * rng.normal(size=360)
        found.append(symmetry_fold(row))
        assert found[-1] == rule(row)
    assert set(found) == {0, 1, 2, 4}


def test_failed_fits_are_not_accepted(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("Optimal parameters not found")

    row = azimuth_logits(1, 3.0, 40)
    assert symmetry_fold(row) == 1
    monkeypatch.setattr(decoding, "curve_fit", fail)
    assert symmetry_fold(row) == 0


@pytest.mark.parametrize("k", [10.0, 60.0, 200.0])
def test_very_sharp_distributions_are_decoded_without_error(k):
    """The released rule gives such peaks up between k = 15 and 20: it fits a function that is no density."""
    fold = symmetry_fold(azimuth_logits(1, k, 123))
    assert fold == rule(azimuth_logits(1, k, 123)) == (1 if k < 15 else 0)
