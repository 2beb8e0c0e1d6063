import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.loading import border_distance
from pipeline.training.outlines import BORDER, REACH, draw_outline, outline_loss

SIZE = 24


def masks(seed, count=3):
    rng = np.random.default_rng(seed)
    images = np.zeros((count, SIZE, SIZE), np.uint8)
    for image in images:
        middle, axes = rng.uniform(8, 16, 2).astype(int), rng.uniform(2, 8, 2).astype(int)
        cv2.ellipse(image, middle.tolist(), axes.tolist(), 0, 0, 360, 1, -1)
    return images


def distances(images):
    return torch.from_numpy(np.stack([border_distance(image > 0) for image in images]))


def slow_loss(projected, outline, distance):
    """One vertex and one point after the other; between the centres of pixels the distance is bilinear."""
    losses, outside = [], np.maximum(-distance.numpy(), 0)
    for vertices, points, field in zip(projected.tolist(), outline.tolist(), outside, strict=True):
        strayed = []
        for x, y in vertices:
            column, row = (min(max((u + 1) / 2 * SIZE - 0.5, 0), SIZE - 1) for u in (x, y))
            i, j = min(int(row), SIZE - 2), min(int(column), SIZE - 2)
            a, b = row - i, column - j
            value = (1 - a) * ((1 - b) * field[i, j] + b * field[i, j + 1])
            value += a * ((1 - b) * field[i + 1, j] + b * field[i + 1, j + 1])
            beyond = np.hypot(*(max(abs(u) - 1 + 1 / SIZE, 0) for u in (x, y)))
            strayed.append((value * 2 / SIZE + beyond) ** 2)
        missed = []
        for point in points:
            nearest = min(np.hypot(point[0] - x, point[1] - y) for x, y in vertices)
            missed.append(max(nearest - REACH, 0) ** 2)
        losses.append(np.mean(strayed) + np.mean(missed))
    return torch.tensor(losses, dtype=torch.float32)


@given(seed=st.integers(0, 1000))
def test_the_loss_is_that_of_a_loop_over_vertices_and_points(seed):
    generator = torch.Generator().manual_seed(seed)
    distance = distances(masks(seed))
    projected = 2.4 * torch.rand(3, 7, 2, generator=generator) - 1.2
    outline = draw_outline(distance, 5, generator)
    torch.testing.assert_close(outline_loss(projected, outline, distance), slow_loss(projected, outline, distance))


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    distance = distances(masks(0)).double()
    projected = (1.6 * torch.rand(3, 7, 2, generator=generator, dtype=torch.float64) - 0.8).requires_grad_()
    outline = draw_outline(distance, 5, generator)
    assert torch.autograd.gradcheck(lambda points: outline_loss(points, outline, distance), projected, eps=1e-7)


def test_the_gradient_carries_vertices_onto_the_mask_and_over_its_outline():
    distance = distances(masks(4, count=1))
    generator = torch.Generator().manual_seed(0)
    points = (2 * torch.rand(1, 128, 2, generator=generator) - 1).requires_grad_()
    descent = torch.optim.Adam([points], lr=0.02)
    losses = []
    for _ in range(200):
        loss = outline_loss(points, draw_outline(distance, 128, generator), distance).sum()
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.01 * losses[0], (losses[0], losses[-1])


@given(seed=st.integers(0, 1000), points=st.integers(1, 50))
def test_the_outline_is_drawn_from_border_pixels_of_its_own_mask(seed, points):
    distance = distances(masks(seed))
    drawn = draw_outline(distance, points, torch.Generator().manual_seed(seed))
    pixels = ((drawn + 1) / 2 * SIZE - 0.5).round().long()
    for border, image in zip(distance, pixels, strict=True):
        values = border[image[:, 1], image[:, 0]]
        assert ((values > 0) & (values < BORDER)).all()


def test_every_border_pixel_is_drawn_equally_often():
    distance = distances(masks(1, count=1))
    drawn = draw_outline(distance, 200_000, torch.Generator().manual_seed(0))
    _, counts = torch.unique(drawn[0], dim=0, return_counts=True)
    border = int(((distance > 0) & (distance < BORDER)).sum())
    assert len(counts) == border
    assert counts.float().std() / counts.float().mean() < 3 * (border / 200_000) ** 0.5


def test_an_image_without_a_mask_counts_nothing():
    distance = distances(np.zeros((1, SIZE, SIZE), np.uint8))
    points = torch.zeros(1, 4, 2, requires_grad=True)
    loss = outline_loss(points, draw_outline(distance, 5, torch.Generator().manual_seed(0)), distance)
    loss.sum().backward()
    assert loss.item() == 0 and not points.grad.any()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_mesh_that_fills_its_mask_has_no_loss(share):
    """Every vertex inside, and the outline within reach; vertices outside are what is penalised."""
    distance = distances(masks(2, count=1))
    row, column = torch.nonzero(distance[0] > 0, as_tuple=True)
    everywhere = (torch.stack([column, row], -1) + 0.5)[None] * (2 / SIZE) - 1
    outline = draw_outline(distance, 64, torch.Generator().manual_seed(0))
    assert (outline_loss(everywhere + share, outline, distance) > 1e-12).all() == (share > 0)
