"""What the benchmark draws, and the soft rasterizer that it compares with."""

import pytest
import torch

from benchmarks.rasterizer import render
from benchmarks.scene import COVERAGE, make_scene
from benchmarks.soft_rasterizer import soft_render
from pipeline.rendering.rasterizer import make_rasterizer
from support.meshes import is_watertight, signed_volume


def test_scene_is_of_closed_objects_that_cover_the_expected_share():
    scene = make_scene(1000, 3, 5)
    rast = make_rasterizer("cpu").rasterize(scene.pos, scene.tri, (64, 64))
    assert 900 < len(scene.tri) < 1100
    assert is_watertight(scene.tri)
    assert (signed_volume(scene.pos[..., :3] / scene.pos[..., 3:] * torch.tensor([1, 1, -1]), scene.tri) > 0).all()
    assert float((rast[..., 3] > 0).float().mean()) == pytest.approx(COVERAGE, abs=0.03)


def test_soft_rasterizer_draws_the_same_object():
    scene, size = make_scene(300, 1, 2), 32
    scene.pos.requires_grad_()
    rasterizer = make_rasterizer("cpu")
    hard = render(rasterizer, scene, size, rasterizer.topology(scene.tri, scene.pos.shape[1]))
    soft = soft_render(*scene, size)
    shapes = soft[..., -1] > 0.5, hard[..., -1] > 0.5
    assert (shapes[0] & shapes[1]).sum() > 0.95 * (shapes[0] | shapes[1]).sum()
    inside = hard[..., -1] > 0.99
    assert (soft - hard)[inside].abs().mean() < 0.3 * hard[inside][:, :-1].std()
    soft.square().mean().backward()
    assert scene.pos.grad.isfinite().all() and scene.pos.grad.abs().max() > 0
