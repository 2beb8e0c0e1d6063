"""Orient Anything's angles through our labels and cameras: the same pictures as by its own frames; mirrored ones."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labels.poses.orient_anything.backend import pose_label
from pipeline.labels.poses.orient_anything.decoding import decode
from pipeline.photographs.cameras import project_cad, viewpoint_rotation
from pipeline.photographs.records import Viewpoint
from support.paths import GENUINE_CAD, needs_fixtures

WIDTH = 500
CAMERA = {"distance": 6.0, "focal": 1.0, "px": 230.0, "py": 170.0, "viewport": 3000.0}
LIMB = np.array([[0.0, 0, 0], [0.3, -0.2, 0.1], [-0.4, 0.1, -0.3], [0, -0.5, 0], [0.5, 0, 0], [0, 0, 0.5]])
"""The origin, two points somewhere, and the tips of the front, the object's left and the top (CAD frame)."""

# As the network gives them: whole degrees.
azimuths = st.integers(0, 359)
elevations = st.integers(-90, 89)
rotations = st.integers(-180, 179)


def rx(degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def ry(degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def rz(degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def viewer_rotation(azimuth: float, elevation: float, rotation: float) -> np.ndarray:
    """From the object frame (x front, y left, z up) to the viewer's (x towards the camera, y image right, z up)."""
    return rx(rotation) @ ry(elevation) @ rz(-azimuth)


def project_by_viewer(points: np.ndarray, azimuth: float, elevation: float, rotation: float) -> np.ndarray:
    """Pixels (x, y down) of CAD points, by Orient Anything's own frames."""
    front, left, up = -points[:, 1], points[:, 0], points[:, 2]
    near, right, above = viewer_rotation(azimuth, elevation, rotation) @ np.array([front, left, up])
    scale = CAMERA["viewport"] / (CAMERA["distance"] - near)
    return np.stack([CAMERA["px"] + scale * right, CAMERA["py"] - scale * above], axis=1)


def project_by_label(points: np.ndarray, azimuth: float, elevation: float, rotation: float) -> np.ndarray:
    """The same by our label and camera."""
    label = pose_label(azimuth, elevation, rotation, 1)
    return project_cad(points, Viewpoint(label.azimuth, label.elevation, label.theta, **CAMERA))[:, :2]


def logits_at(azimuth: int, elevation: int, rotation: int) -> np.ndarray:
    row = np.zeros((1, 900))
    row[0, [azimuth, 360 + 90 + elevation, 540 + 180 + rotation]] = 5
    return row


def check_mirror(points: np.ndarray, azimuth: int, elevation: int, rotation: int) -> None:
    """The mirrored model under the mirrored angles is the mirrored picture, the camera's centre mirrored with it."""
    view = Viewpoint(float(-azimuth), float(elevation), float(-rotation), **{**CAMERA, "px": WIDTH - CAMERA["px"]})
    mirrored = project_cad(points * [-1, 1, 1], view)[:, :2]
    original = project_by_label(points, azimuth, elevation, rotation)
    np.testing.assert_allclose(mirrored, [WIDTH, 0] + [-1, 1] * original, atol=1e-8)


@given(azimuths, elevations, rotations)
def test_label_turns_the_object_as_the_network_means(azimuth, elevation, rotation):
    label = pose_label(azimuth, elevation, rotation, 1)
    viewer_to_camera = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    object_to_cad = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(
        viewpoint_rotation(label.azimuth, label.elevation, label.theta) @ object_to_cad,
        viewer_to_camera @ viewer_rotation(azimuth, elevation, rotation),
        atol=1e-12,
    )


@given(azimuths, elevations, rotations)
def test_points_project_alike_from_the_logits_on(azimuth, elevation, rotation):
    found = decode(logits_at(azimuth, elevation, rotation))
    angles = [int(part[0]) for part in found[:3]]
    np.testing.assert_allclose(
        project_by_label(LIMB, *angles), project_by_viewer(LIMB, azimuth, elevation, rotation), atol=1e-8
    )


@given(azimuths, elevations, rotations)
def test_mirrored_picture_has_mirrored_angles(azimuth, elevation, rotation):
    check_mirror(LIMB, azimuth, elevation, rotation)


def genuine_keypoints(category: str) -> dict[str, np.ndarray]:
    content = json.loads((GENUINE_CAD / category / "01_keypoints.json").read_text(encoding="utf-8"))
    return {name: np.array([point["x"], point["y"], point["z"]]) for name, point in content.items() if point}


@needs_fixtures
@pytest.mark.parametrize("category", ["aeroplane", "bottle", "chair"])
def test_keypoints_of_genuine_models_project_alike(category):
    points, rng = np.array([*genuine_keypoints(category).values()]), np.random.default_rng(0)
    assert len(points) >= 5
    for _ in range(50):
        pose = int(rng.integers(360)), int(rng.integers(-90, 90)), int(rng.integers(-180, 180))
        np.testing.assert_allclose(project_by_label(points, *pose), project_by_viewer(points, *pose), atol=1e-8)
        check_mirror(points, *pose)


@needs_fixtures
@pytest.mark.parametrize(
    ("category", "front", "back"),
    [("aeroplane", "noselanding", "tail"), ("chair", "seat_lower_left", "back_upper_left")],
)
def test_azimuth_90_points_the_front_of_genuine_models_to_image_left(category, front, back):
    points = genuine_keypoints(category)
    pair = np.array([points[front], points[back]])
    at_90, at_270 = project_by_label(pair, 90, 0, 0), project_by_label(pair, 270, 0, 0)
    assert at_90[0, 0] < at_90[1, 0] - 100
    assert at_270[0, 0] > at_270[1, 0] + 100


def tips(azimuth: float, elevation: float, rotation: float) -> np.ndarray:
    """Where front, left and top lie in the picture from the origin, in pixels right and UP."""
    points = project_by_label(LIMB, azimuth, elevation, rotation)
    return (points[3:] - points[0]) * [1, -1]


def test_azimuth_90_points_the_front_to_image_left():
    front, _, top = tips(90, 0, 0)
    np.testing.assert_allclose(front, [-250, 0], atol=1e-9)
    np.testing.assert_allclose(top, [0, 250], atol=1e-9)


def test_azimuth_0_shows_the_front_and_the_left_side_at_image_right():
    front, left, top = tips(0, 0, 0)
    np.testing.assert_allclose([front, left, top], [[0, 0], [250, 0], [0, 250]], atol=1e-9)


def test_positive_elevation_looks_from_above():
    """The front, towards the camera, comes down in the picture."""
    front, _, top = tips(0, 30, 0)
    assert front[1] < -50 and 0 < top[1] < 250


def test_positive_rotation_turns_counter_clockwise():
    _, left, top = tips(0, 0, 90)
    np.testing.assert_allclose([left, top], [[0, 250], [-250, 0]], atol=1e-9)


def test_labels_lie_in_the_ranges_of_their_angles():
    assert pose_label(359, -90, -180, 2) == (359.0, -90.0, -180.0, 2)
    assert pose_label(0, 89, 179, 0) == (0.0, 89.0, 179.0, 0)
    assert pose_label(-30, 5, 190, 1) == (330.0, 5.0, -170.0, 1)
    assert pose_label(360, 0, 180, 4) == (0.0, 0.0, -180.0, 4)
    assert [type(value) for value in pose_label(1, 2, 3, 4)] == [float, float, float, int]
