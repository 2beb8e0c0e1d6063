"""Frames and projections against PASCAL3D+'s and Orient Anything V2's definitions, written out slowly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.photographs.cameras import (
    OBJECT_TO_CAD,
    clip_to_crop,
    geodesic_degrees,
    object_angles,
    object_rotation,
    project_cad,
    rotation_from_angles,
    transform,
    viewpoint_rotation,
)
from pipeline.photographs.records import Viewpoint
from support.scenes import to_clip

azimuths = st.floats(0, 360)
elevations = st.floats(-89, 89)
thetas = st.floats(-90, 90)


def project_slowly(point, azimuth, elevation, theta, distance, focal, px, py):
    """PASCAL3D+'s project_3d, step by step: camera centre, look-at rotation, perspective, in-plane turn, y down."""
    a, e, t = (math.radians(x) for x in (azimuth, elevation, theta))
    centre = [
        distance * math.cos(e) * math.sin(a),
        -distance * math.cos(e) * math.cos(a),
        distance * math.sin(e),
    ]
    x, y, z = (p - c for p, c in zip(point, centre, strict=True))
    x, y = math.cos(-a) * x - math.sin(-a) * y, math.sin(-a) * x + math.cos(-a) * y
    tilt = -(math.pi / 2 - e)
    y, z = math.cos(tilt) * y - math.sin(tilt) * z, math.sin(tilt) * y + math.cos(tilt) * z
    u, v = focal * x / -z, focal * y / -z
    u, v = math.cos(t) * u - math.sin(t) * v, math.sin(t) * u + math.cos(t) * v
    return px + u, py - v, -z


@given(azimuths, elevations, thetas)
def test_projection_is_pascal3d_project_3d(azimuth, elevation, theta):
    view = Viewpoint(azimuth, elevation, theta, 7.0, 1.0, 120.0, 80.0, 3000.0)
    points = np.array([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0], [-0.4, 0.1, -0.3]])
    expected = [project_slowly(p, azimuth, elevation, theta, 7.0, 3000.0, 120.0, 80.0) for p in points]
    np.testing.assert_allclose(project_cad(points, view), expected, atol=1e-9)


def test_object_frame_axes():
    front, up, side = np.eye(3)[2], np.eye(3)[1], np.eye(3)[0]
    np.testing.assert_array_equal(OBJECT_TO_CAD @ front, [0, -1, 0])
    np.testing.assert_array_equal(OBJECT_TO_CAD @ up, [0, 0, 1])
    np.testing.assert_array_equal(OBJECT_TO_CAD @ side, [1, 0, 0])
    assert np.linalg.det(OBJECT_TO_CAD) == pytest.approx(1)


@given(azimuths, elevations)
def test_forward_axis_in_the_camera_frame(azimuth, elevation):
    a, e = math.radians(azimuth), math.radians(elevation)
    expected = [-math.sin(a), -math.sin(e) * math.cos(a), math.cos(e) * math.cos(a)]
    np.testing.assert_allclose(object_rotation(azimuth, elevation, 0)[:, 2], expected, atol=1e-12)


def test_frontal_view_faces_the_camera():
    np.testing.assert_allclose(object_rotation(0, 0, 0), np.eye(3), atol=1e-12)


def test_azimuth_90_turns_the_front_to_image_left():
    np.testing.assert_allclose(object_rotation(90, 0, 0)[:, 2], [-1, 0, 0], atol=1e-12)


def test_positive_theta_turns_counter_clockwise():
    np.testing.assert_allclose(object_rotation(0, 0, 90)[:, 1], [-1, 0, 0], atol=1e-12)


@given(azimuths, elevations, thetas)
def test_mirroring_the_image_negates_azimuth_and_theta(azimuth, elevation, theta):
    mirror = np.diag([-1.0, 1.0, 1.0])
    mirrored = mirror @ object_rotation(azimuth, elevation, theta) @ mirror
    np.testing.assert_allclose(mirrored, object_rotation(-azimuth, elevation, -theta), atol=1e-12)


@given(azimuths, elevations, thetas)
def test_orient_anything_angles_are_pascal3d_angles(azimuth, elevation, theta):
    """R_VO = Rx(rotation) Ry(elevation) Rz(-azimuth) between viewer and object frames is the same rotation."""
    a, e, t = np.deg2rad([azimuth, elevation, theta])
    rx = np.array([[1, 0, 0], [0, np.cos(t), -np.sin(t)], [0, np.sin(t), np.cos(t)]])
    ry = np.array([[np.cos(e), 0, np.sin(e)], [0, 1, 0], [-np.sin(e), 0, np.cos(e)]])
    rz = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    viewer_to_camera = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    orient_to_cad = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    expected = viewpoint_rotation(azimuth, elevation, theta) @ orient_to_cad
    np.testing.assert_allclose(viewer_to_camera @ rx @ ry @ rz, expected, atol=1e-12)


@given(azimuths, elevations, thetas)
def test_differentiable_rotation_equals_the_plain_one(azimuth, elevation, theta):
    a = torch.tensor(math.radians(azimuth), dtype=torch.float64)
    angles = [torch.tensor(math.radians(x), dtype=torch.float64) for x in (elevation, theta)]
    rotation = rotation_from_angles(torch.stack([a.cos(), a.sin()]), *angles)
    np.testing.assert_allclose(rotation.numpy(), object_rotation(azimuth, elevation, theta), atol=1e-12)


def test_geodesic_distance():
    a = torch.from_numpy(object_rotation(10, 5, 0))
    b = torch.from_numpy(object_rotation(50, 5, 0))
    assert geodesic_degrees(a, a).item() == pytest.approx(0, abs=1e-5)
    expected = np.degrees(np.arccos((np.trace(a.numpy().T @ b.numpy()) - 1) / 2))
    assert geodesic_degrees(a, b).item() == pytest.approx(expected)


def test_clip_depth_runs_from_the_near_to_the_far_plane():
    """clip w is the camera depth, and z / w goes from -1 at half the distance to 1 at one and a half."""
    points = torch.tensor([[[0.0, 0.0, z] for z in (5.0, 0.0, -5.0)]])
    clip = to_clip(points, distance=10.0, fov_degrees=25.0)[0]
    torch.testing.assert_close(clip[:, 3], torch.tensor([5.0, 10.0, 15.0]))
    torch.testing.assert_close(clip[:, 2] / clip[:, 3], torch.tensor([-1.0, 0.5, 1.0]))


@given(azimuths, elevations, thetas)
def test_transform_is_the_rotation_followed_by_the_shift(azimuth, elevation, theta):
    rotation = torch.from_numpy(object_rotation(azimuth, elevation, theta))
    shift = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 3)))
    moved = transform(points, torch.cat([rotation, shift[:, None]], 1))
    for point, found in zip(points, moved, strict=True):
        torch.testing.assert_close(found, rotation @ point + shift)


def test_crop_coordinates_have_row_zero_at_the_top():
    points = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]])
    uv = clip_to_crop(to_clip(points, distance=10.0, fov_degrees=25.0))[0]
    half_field = 10 * math.tan(math.radians(12.5))
    torch.testing.assert_close(uv[0], torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(uv[1], torch.tensor([0.5, 0.5 - 0.5 / half_field]))
    torch.testing.assert_close(uv[2], torch.tensor([0.5 + 0.5 / half_field, 0.5]))


@given(azimuths, elevations, thetas)
def test_angles_of_a_rotation_give_the_rotation_back(azimuth, elevation, theta):
    rotation = object_rotation(azimuth, elevation, theta)
    angles = object_angles(rotation)
    assert 0 <= angles[0] <= 360 and -90 <= angles[1] <= 90 and -180 <= angles[2] <= 180
    np.testing.assert_allclose(object_rotation(*angles), rotation, atol=1e-6)


@pytest.mark.parametrize("elevation", [90.0, -90.0])
def test_from_right_above_the_turn_in_the_image_counts_as_azimuth(elevation):
    rotation = object_rotation(40.0, elevation, 25.0)
    angles = object_angles(rotation)
    assert angles[2] == 0.0
    np.testing.assert_allclose(object_rotation(*angles), rotation, atol=1e-7)
