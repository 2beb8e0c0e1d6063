"""Signs of matches against a loop that follows their definitions, one match at a time."""

import math

import numpy as np
import pytest
import torch

from pipeline.confidence.signs import Signs, find_signs
from pipeline.matching.feature_map import sample_map
from pipeline.matching.methods import MESH_METHODS
from pipeline.matching.queries import Queries
from support.made_images import make_image
from support.tiny import tiny_params

PARAMS = tiny_params().correspondence


@pytest.fixture(scope="module")
def images():
    return [make_image(shear, wrong, seed=n) for n, (shear, wrong) in enumerate([(0.0, False), (0.05, True)])]


def make_queries(count=12):
    rng = np.random.default_rng(3)
    points = torch.from_numpy(rng.uniform(0.15, 0.85, (count, 2)))
    return Queries(
        target=torch.from_numpy(rng.integers(0, 2, 2 * count)),
        point=torch.from_numpy(rng.permutation(np.repeat(np.arange(count), 2))),
        source=torch.from_numpy(np.sort(rng.integers(0, 2, count))),
        points=points,
    )


def nearest(point, image):
    mesh = image.projection
    distances = [(float((v - point).norm()), i) for i, v in enumerate(mesh.vertices) if mesh.visible[i]]
    return min(distances)[1]


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


def distance(a, b):
    return math.log(0.01 + float((a - b).norm()))


def slow_signs(x, p, a, b):
    """The signs of one match, by their definitions."""
    v, w = nearest(x, a), nearest(p, b)
    at_x, at_p = sample_map(a.components, x[None])[0], sample_map(b.components, p[None])[0]
    pixels = [torch.tensor([(c + 0.5) / 32, (r + 0.5) / 32]).double() for r in range(32) for c in range(32)]
    neighbour = max(pixels, key=lambda pixel: cosine(at_x, sample_map(b.components, pixel[None])[0]))
    field = a.vertex_features[v]
    return Signs(
        cosine(at_x, at_p),
        cosine(at_x, field),
        cosine(at_p, field),
        distance(x, a.projection.vertices[v]),
        distance(p, b.projection.vertices[v]),
        float(b.projection.visible[v]),
        distance(x, a.projection.vertices[w]),
        distance(p, neighbour),
        *(float(image.pose_score[number]) for number in (0, 1) for image in (a, b)),
    )


@pytest.mark.parametrize("method", list(MESH_METHODS))
def test_signs_against_a_loop(images, method):
    queries = make_queries()
    found = MESH_METHODS[method](queries, images, PARAMS)
    signs = torch.stack(find_signs(queries, images, {"": found})[""], -1)
    for number, (target, point) in enumerate(zip(queries.target.tolist(), queries.point.tolist(), strict=True)):
        source = int(queries.source[point])
        plain = slow_signs(queries.points[point], found[number], images[source], images[target])
        np.testing.assert_allclose(signs[number].numpy(), plain, atol=1e-6)


def test_a_point_that_is_matched_to_itself_has_the_best_signs(images):
    image = images[0]
    vertex = int(image.projection.visible.nonzero()[40, 0])
    point = image.projection.vertices[vertex][None]
    queries = Queries(torch.tensor([0]), torch.tensor([0]), torch.tensor([0]), point)
    signs = find_signs(queries, [image], {"": point})[""]
    assert float(signs.similarity) == pytest.approx(1)
    assert float(signs.visible) == 1
    for name in ("source_distance", "target_distance", "cycle"):
        assert float(getattr(signs, name)) == pytest.approx(math.log(0.01))


def test_poses_that_are_not_refined_have_no_score_and_a_margin_is_one_at_most(images):
    queries = Queries(torch.tensor([1]), torch.tensor([0]), torch.tensor([0]), torch.tensor([[0.5, 0.5]]).double())
    plain = images[0]._replace(pose_score=torch.full((2,), torch.nan))
    sure = images[1]._replace(pose_score=torch.tensor([0.4, torch.inf]))
    signs = find_signs(queries, [plain, sure], {"": queries.points})[""]
    assert (float(signs.source_energy), float(signs.source_margin)) == (0, 0)
    assert (float(signs.target_energy), float(signs.target_margin)) == (pytest.approx(0.4), 1)
