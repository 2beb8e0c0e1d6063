import cv2
import numpy as np
import pytest

from pipeline.photographs.cameras import project_cad
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.simulation.background import fill, paint_background
from pipeline.simulation.framing import MARGIN, OBJECT_SHARE, frame
from pipeline.simulation.keypoints import Status, locate
from pipeline.simulation.picture import Picture
from pipeline.simulation.scene import COVERED, photograph
from pipeline.simulation.shading import draw_light, shade
from pipeline.simulation.shapes import make_shape
from pipeline.simulation.shapes.shape import Shape
from pipeline.simulation.viewpoints import Angles

SIZE = 120
ANGLES = [Angles(30.0, 20.0, 5.0), Angles(200.0, -15.0, -8.0), Angles(285.0, 5.0, 0.0)]


def cuboid() -> Shape:
    """A box whose corners are its keypoints, one vertex for each of them."""
    corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing="ij"), -1).reshape(-1, 3) * [0.5, 0.8, 0.33]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))], np.int32)
    keypoints = {f"corner_{i}": corner for i, corner in enumerate(corners)}
    return Shape(corners.astype(np.float32), faces, np.full((12, 3), 0.6, np.float32), keypoints)


def take(shape, angles, truncated=False, occluded=False, seed=0):
    """A photograph whose semantic coordinate is the CAD coordinate itself."""
    rng = np.random.default_rng(seed)
    framing = frame(shape.vertices.astype(np.float64), angles, SIZE, truncated, rng)
    return framing, photograph(shape, shape.vertices, framing, occluded, rng, make_rasterizer("cpu", "cpu"))


@pytest.mark.parametrize("angles", ANGLES)
def test_the_truth_is_what_the_pixels_show(angles):
    framing, photo = take(make_shape("car", np.random.default_rng(1)), angles)
    interior = cv2.erode(photo.mask.astype(np.uint8), np.ones((3, 3))) > 0
    rows, columns = np.nonzero(interior)
    assert len(rows) > 500
    x, y, depth = project_cad(photo.surface[interior].astype(np.float64), framing.view).T
    # Pixels at a jump of depth average two surfaces, so not all are exact.
    assert np.quantile(np.hypot(x - columns - 0.5, y - rows - 0.5), 0.9) < 0.3
    assert np.quantile(abs(depth - photo.depth[interior]), 0.9) < 0.01


@pytest.mark.parametrize("angles", ANGLES)
def test_the_image_is_complete_around_the_object(angles):
    framing, photo = take(make_shape("chair", np.random.default_rng(1)), angles)
    assert photo.image.shape == (framing.height, framing.width, 3)
    assert photo.image.std() > 5
    assert not photo.surface[~photo.mask].any()
    assert photo.depth.min() > 0 and photo.depth[photo.mask].max() < photo.depth[~photo.mask].min()


@pytest.mark.parametrize("category", ["aeroplane", "bottle", "chair"])
def test_framing_keeps_the_whole_object_and_its_share(category):
    vertices = make_shape(category, np.random.default_rng(3)).vertices.astype(np.float64)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        angles = Angles(rng.uniform(0, 360), rng.uniform(-60, 60), rng.uniform(-40, 40))
        view, width, height = frame(vertices, angles, SIZE, False, rng)
        points = project_cad(vertices, view)
        assert max(width, height) == SIZE and view.viewport * view.focal == 3000
        assert (
            points[:, :2].min() > MARGIN - 0.01
            and (points[:, :2].max(0) < np.array([width, height]) - MARGIN + 1).all()
        )
        share = np.ptp(points[:, :2], axis=0).max() / SIZE
        assert OBJECT_SHARE[0] - 0.01 < share < OBJECT_SHARE[1] + 0.01


def test_truncated_objects_leave_the_frame_and_touch_its_border():
    borders = set()
    for seed in range(12):
        framing, photo = take(cuboid(), Angles(40.0, 25.0, 0.0), truncated=True, seed=seed)
        seen = Picture(photo, framing, {}, True, False, 1).box
        points = project_cad(cuboid().vertices.astype(np.float64), framing.view)
        outside = points[:, 0] < 0, points[:, 1] < 0, points[:, 0] > framing.width, points[:, 1] > framing.height
        (border,) = (i for i, beyond in enumerate(outside) if beyond.any())
        assert seen[border] == (1, 1, framing.width, framing.height)[border]
        borders.add(border)
    assert len(borders) == 4


def test_occluders_cover_a_part_of_the_object():
    for seed in range(12):
        _, photo = take(cuboid(), ANGLES[0], occluded=True, seed=seed)
        object_pixels = np.isfinite(photo.z_buffer)
        share = (photo.covered & object_pixels).sum() / object_pixels.sum()
        assert COVERED[0] <= share <= COVERED[1]
        # What is in front is nearer than the object, and no part of the mask.
        front = cv2.resize(photo.covered.astype(np.float32), photo.mask.shape[::-1], interpolation=cv2.INTER_AREA) > 0.6
        assert not (front & photo.mask).any()
        assert photo.depth[front].max() < photo.depth[photo.mask].min()


@pytest.mark.parametrize("angles", ANGLES)
def test_a_box_hides_its_farthest_corner(angles):
    shape = cuboid()
    framing, photo = take(shape, angles)
    points = project_cad(np.stack(list(shape.keypoints.values())), framing.view)
    found = locate(shape.keypoints, framing, photo)
    hidden = [name for name, keypoint in found.items() if keypoint.status != Status.VISIBLE]
    assert hidden == [f"corner_{points[:, 2].argmax()}"]
    assert found[hidden[0]].status == Status.SELF_OCCLUDED
    np.testing.assert_allclose([keypoint[:2] for keypoint in found.values()], points[:, :2])


def test_keypoints_beyond_the_frame_and_behind_the_occluder_are_not_seen():
    shape, statuses = cuboid(), set()
    for seed in range(10):
        framing, photo = take(shape, ANGLES[0], truncated=True, occluded=True, seed=seed)
        for x, y, status in locate(shape.keypoints, framing, photo).values():
            inside = 0 <= x < framing.width and 0 <= y < framing.height
            assert (status == Status.TRUNCATED) != inside
            if status == Status.VISIBLE:
                assert not photo.covered[int(2 * y), int(2 * x)]
            statuses.add(status)
    assert statuses == set(Status)


def test_equal_seeds_give_equal_photographs():
    shape = make_shape("aeroplane", np.random.default_rng(0))
    one, other, different = (take(shape, ANGLES[0], occluded=True, seed=seed)[1] for seed in (4, 4, 5))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert one.image.shape != different.image.shape or not np.array_equal(one.image, different.image)


def test_light_does_not_depend_on_which_way_round_a_face_is():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(20, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    light = draw_light(np.array([0.0, -1.0, 0.0]), rng)
    colours, points = np.full((20, 3), 0.5, np.float32), rng.normal(size=(50, 3)).astype(np.float32)
    faces = rng.integers(0, 20, 50)
    lit = shade(faces, points, colours, normals, light)
    np.testing.assert_array_equal(lit, shade(faces, points, colours, -normals, light))
    assert lit.min() >= 0 and lit.max() <= 1 and lit.std() > 0


def test_filled_polygons_take_the_pixels_whose_centres_are_inside():
    mask = fill(np.array([[2.0, 1.0], [6.0, 1.0], [6.0, 4.0], [2.0, 4.0]]), 6, 8)
    # OpenCV includes the outline, which here runs between the centres.
    assert mask[1:4, 2:6].all() and mask[:, :1].sum() == 0 and mask[5].sum() == 0 and mask.sum() <= 5 * 6
    # A polygon may lie across the border, or beyond it.
    assert fill(np.array([[-5.0, -5.0], [20.0, -5.0], [20.0, 20.0], [-5.0, 20.0]]), 6, 8).all()
    assert not fill(np.array([[-9.0, -9.0], [-4.0, -9.0], [-4.0, -4.0]]), 6, 8).any()


def test_backgrounds_differ_and_fit():
    one, other = (paint_background(30, 50, np.random.default_rng(seed)) for seed in (0, 1))
    assert one.shape == other.shape == (30, 50, 3) and one.dtype == np.float32
    assert abs(one - other).mean() > 0.02
