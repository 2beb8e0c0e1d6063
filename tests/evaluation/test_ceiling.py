"""Ceilings: boxes of different proportions, whose corners are keypoints and whose true matches are known."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.base.errors import InputError
from pipeline.config.params import load_params
from pipeline.data.cad import CadModel
from pipeline.evaluation.ceiling import PointedMesh, ceiling, deform, fit, most_typical, project_mesh
from pipeline.photographs.cameras import object_angles, object_rotation, project_cad, viewpoint_rotation
from pipeline.photographs.lists import pair_list
from pipeline.photographs.records import Box, Instance, Pair, Viewpoint
from pipeline.rendering.rasterizer import make_rasterizer
from support.paths import ROOT

PARAMS = load_params(ROOT / "params.yaml")
CORNERS = np.array([*itertools.product((-0.5, 0.5), repeat=3)])
FACES = np.array(
    [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4)]
    + [(1, 5, 7), (1, 7, 3)],
    dtype=np.int32,
)
LONG, HIGH = (0.4, 0.8, 0.4), (0.4, 0.6, 0.7)
ANGLES = {"a": (30.0, 15.0, 2.0), "b": (75.0, 25.0, -4.0), "c": (140.0, 10.0, 0.0), "d": (40.0, 20.0, 3.0)}


def box(sides):
    vertices = CORNERS * sides
    return CadModel(vertices, FACES, {str(i): corner for i, corner in enumerate(vertices)})


def view(name):
    return Viewpoint(*ANGLES[name], distance=5.0, focal=1.0, px=120.0, py=110.0, viewport=800.0)


def seen_corners(name):
    """Corners of a box on one of the three faces that look at the camera."""
    eye = viewpoint_rotation(*ANGLES[name])[2]
    return [i for i, corner in enumerate(CORNERS) if any(np.sign(corner) * np.sign(eye) > 0)]


def make_world(models):
    """Images of `models` in turn, and all pairs of them."""
    instances, points = [], {}
    for name, index in zip(ANGLES, itertools.cycle(range(len(models))), strict=False):
        points[name] = project_cad(models[index].vertices, view(name))[:, :2]
        (x0, y0), (x1, y1) = points[name].min(0), points[name].max(0)
        instances.append(
            Instance(
                "car",
                name,
                "test",
                f"{name}.jpg",
                240,
                220,
                Box(x0, y0, x1, y1),
                False,
                False,
                False,
                view(name),
                index + 1,
            )
        )
    boxes = {item.name: item.box for item in instances}
    pairs = []
    for source, target in itertools.permutations(ANGLES, 2):
        common = sorted({*seen_corners(source)} & {*seen_corners(target)})
        ids = tuple(map(str, common))
        pairs.append(
            Pair(
                "car",
                source,
                target,
                ids,
                points[source][common],
                points[target][common],
                boxes[source],
                boxes[target],
                0,
            )
        )
    return instances, pair_list("car", "test", pairs)


def fit_slowly(points, target):
    """Scale and shift by least squares."""
    design = np.concatenate([[[x, 1, 0], [y, 0, 1]] for x, y in points])
    return np.linalg.lstsq(design, target.reshape(-1), rcond=None)[0]


def test_identical_models_need_no_deformation():
    instances, listed = make_world([box(LONG)])
    found = ceiling(instances, [box(LONG)], listed, PARAMS, deformed=False)
    assert found.pairs == 12
    assert found.pck[0.05] == 1


def test_deformation_gives_back_what_a_rigid_template_lacks():
    models = [box(LONG), box(HIGH)]
    instances, listed = make_world(models)
    rigid = ceiling(instances, models, listed, PARAMS, deformed=False)
    deformed = ceiling(instances, models, listed, PARAMS, deformed=True)
    assert rigid.pck[0.05] < 0.7
    assert deformed.pck[0.05] == 1


@pytest.mark.parametrize("name", ANGLES)
def test_projection_by_hand(name):
    """Corners of a long box that is fitted to a high one, and which of them are seen."""
    template, shown = box(LONG), box(HIGH)
    instance = make_world([shown])[0][list(ANGLES).index(name)]
    own, target = (project_cad(model.vertices, view(name))[:, :2] for model in (template, shown))
    scale, x, y = fit_slowly(own, target)
    mesh = PointedMesh(template, template.vertices)
    rotation = object_rotation(*ANGLES[name])
    found = project_mesh(mesh, rotation, shown.keypoints, instance, PARAMS, make_rasterizer("cpu", "cpu"))
    np.testing.assert_allclose(found.vertices, scale * own + (x, y), atol=1e-6)
    assert found.visible.nonzero()[:, 0].tolist() == seen_corners(name)


def test_wrong_poses_cost():
    instances, listed = make_world([box(LONG)])
    true = {name: object_rotation(*angles) for name, angles in ANGLES.items()}
    turned = {name: object_rotation(a + (40 if name in "ab" else -40), e, t) for name, (a, e, t) in ANGLES.items()}
    scores = [ceiling(instances, [box(LONG)], listed, PARAMS, False, poses).pck for poses in (None, true, turned)]
    assert scores[0] == scores[1]
    assert scores[2][0.1] < 0.5


def test_images_without_what_is_needed_are_left_out():
    instances, listed = make_world([box(LONG)])
    coarse = dataclasses.replace(instances[0], viewpoint=view("a")._replace(distance=0.0))
    unknown = dataclasses.replace(instances[0], cad_index=None)
    unseen = dataclasses.replace(instances[0], viewpoint=None)
    for lacking in (coarse, unknown, unseen):
        assert ceiling([lacking, *instances[1:]], [box(LONG)], listed, PARAMS, False).pairs == 6
    poses = {name: object_rotation(*ANGLES[name]) for name in "bcd"}
    assert ceiling(instances, [box(LONG)], listed, PARAMS, False, poses).pairs == 6
    with pytest.raises(InputError, match="car: .* viewpoint and CAD model; found none among 12"):
        ceiling([unseen], [box(LONG)], listed, PARAMS, False)
    with pytest.raises(InputError, match="CAD models with keypoints; found none"):
        ceiling(instances, [box(LONG)._replace(keypoints={})], listed, PARAMS, False)


def test_typical_is_nearest_to_the_mean():
    models = [box((0.4, s, 0.4)) for s in (0.5, 0.72, 0.9, 0.8)]
    assert most_typical(models) is models[1]
    few = models[1]._replace(keypoints={"0": models[1].vertices[0]})
    assert most_typical([models[0], few, models[2], models[3]]) is models[3]


@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_deformed_keypoints_are_where_they_are_wanted(seed):
    rng = np.random.default_rng(seed)
    mesh = PointedMesh(box(LONG), rng.normal(size=(50, 3)))
    wanted = {str(i): rng.normal(size=3) for i in range(8)}
    moved = deform(mesh, wanted)
    np.testing.assert_allclose(moved.model.vertices, np.stack([*wanted.values()]), atol=1e-8)
    shifted = deform(mesh, {name: point + (1.0, -2.0, 0.5) for name, point in mesh.model.keypoints.items()})
    np.testing.assert_allclose(shifted.points, mesh.points + (1.0, -2.0, 0.5), atol=1e-8)


@given(st.integers(0, 2**31))
def test_fit_against_least_squares(seed):
    rng = np.random.default_rng(seed)
    points, target = rng.normal(size=(2, 6, 2))
    scale, shift = fit(points, target)
    np.testing.assert_allclose([scale, *shift], fit_slowly(points, target), atol=1e-9)


@given(st.integers(0, 2**31))
def test_angles_give_the_rotation_back(seed):
    rotation = Rotation.random(random_state=np.random.default_rng(seed)).as_matrix()
    np.testing.assert_allclose(object_rotation(*object_angles(rotation)), rotation, atol=1e-7)
