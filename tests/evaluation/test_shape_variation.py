"""Shape variation against a loop, its extremes and what it must not depend on."""

import numpy as np
import pytest

from pipeline.evaluation.shape_variation import shape_variation

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)


def vary_slowly(template, instances):
    squares = []
    for j in range(len(template)):
        mean = [sum(v[j][k] for v in instances) / len(instances) for k in range(3)]
        squares += [sum((v[j][k] - mean[k]) ** 2 for k in range(3)) for v in instances]
    sides = [max(p[k] for p in template) - min(p[k] for p in template) for k in range(3)]
    return (sum(squares) / len(squares)) ** 0.5 / sum(side**2 for side in sides) ** 0.5


def test_against_a_loop():
    rng = np.random.default_rng(0)
    template = rng.normal(size=(7, 3)).astype(np.float32)
    instances = [template + rng.normal(0, 0.1, (7, 3)).astype(np.float32) for _ in range(5)]
    expected = vary_slowly(template.tolist(), [v.tolist() for v in instances])
    assert shape_variation(template, instances) == pytest.approx(expected)


def test_offsets_that_all_instances_share_do_not_count():
    bent = CUBE + np.array([[0.3, -0.2, 0.1]], dtype=np.float32) * CUBE[:, ::-1]
    assert shape_variation(CUBE, [bent, bent, bent]) == pytest.approx(0, abs=1e-7)


def test_by_hand():
    """One vertex of eight moves by +-1 along an axis: the mean square is 1/8, the cube's diagonal the root of 3."""
    one, other = CUBE.copy(), CUBE.copy()
    one[3, 1] += 1
    other[3, 1] -= 1
    assert shape_variation(CUBE, [one, other]) == pytest.approx((1 / 8) ** 0.5 / 3**0.5)
    assert shape_variation(10 * CUBE, [10 * one, 10 * other]) == pytest.approx((1 / 24) ** 0.5)


def test_one_image_has_no_variation():
    assert shape_variation(CUBE, [CUBE]) is None
    assert shape_variation(CUBE, []) is None
