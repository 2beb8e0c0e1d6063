"""Changes of a pose mean what their names say."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.pose import PoseEstimate
from pipeline.photographs.cameras import object_rotation
from pipeline.refinement.moves import move

azimuths = st.floats(-180, 180)
elevations = st.floats(-60, 60)
thetas = st.floats(-40, 40)
changes = st.floats(-25, 25)


def pose_of(azimuth, elevation, theta):
    rotation = torch.from_numpy(object_rotation(azimuth, elevation, theta))[None]
    return PoseEstimate(rotation, torch.tensor([[0.1, -0.2]]).double(), torch.tensor([0.05]).double())


def moved(pose, *changes):
    moves = torch.tensor([[changes]], dtype=torch.float64)
    moves[..., :3].deg2rad_()
    return move(pose, moves)


@given(azimuths, elevations, thetas)
def test_zero_changes_nothing(azimuth, elevation, theta):
    pose = pose_of(azimuth, elevation, theta)
    for before, after in zip(pose, moved(pose, 0, 0, 0, 0, 0, 0), strict=True):
        torch.testing.assert_close(after, before, atol=1e-12, rtol=0)


@given(azimuths, elevations, thetas, changes, changes)
def test_the_first_adds_to_the_azimuth_and_the_third_to_the_in_plane_rotation(azimuth, elevation, theta, da, dt):
    after = moved(pose_of(azimuth, elevation, theta), da, 0, dt, 0, 0, 0).rotation[0].numpy()
    np.testing.assert_allclose(after, object_rotation(azimuth + da, elevation, theta + dt), atol=1e-12)


@given(azimuths, elevations, changes)
def test_the_second_adds_to_the_elevation_of_an_upright_object(azimuth, elevation, de):
    after = moved(pose_of(azimuth, elevation, 0), 0, de, 0, 0, 0, 0).rotation[0].numpy()
    np.testing.assert_allclose(after, object_rotation(azimuth, elevation + de, 0), atol=1e-12)


def test_the_others_add_to_offset_and_zoom():
    after = moved(pose_of(20, 10, 5), 0, 0, 0, 0.3, -0.1, math.log(2))
    np.testing.assert_allclose(after.offset[0], [0.4, -0.3], atol=1e-12)
    np.testing.assert_allclose(after.log_zoom, [0.05 + math.log(2)], atol=1e-12)


def test_poses_come_image_after_image():
    poses = PoseEstimate(*(torch.cat(pair) for pair in zip(pose_of(0, 0, 0), pose_of(90, 30, 10), strict=True)))
    moves = torch.randn(2, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    together = move(poses, moves)
    for image in range(2):
        alone = move(PoseEstimate(*(value[image : image + 1] for value in poses)), moves[image : image + 1])
        for all_of_them, few in zip(together, alone, strict=True):
            assert torch.equal(all_of_them[3 * image : 3 * image + 3], few)
