"""Poses are found where they are known, and are said to be unsure where they are."""

import copy

import pytest
import torch

from pipeline.model.pose import PoseEstimate
from pipeline.model.view import View
from pipeline.photographs.cameras import geodesic_degrees
from pipeline.refinement.energy import Evidence
from pipeline.refinement.refiner import PoseRefiner
from support.accelerator import DEVICE, RasterizerThere, accelerator
from support.made_poses import evidence_of, made_model, made_view, poses_of, refine_params

TRUTH = ((20, 10, 0), (-70, 25, 5), (160, -5, -10), (95, 0, 8))
HEADS = ((38, 2, 6), (-88, 32, -2), (150, 6, -3), (112, -9, 0))


@pytest.fixture(scope="module")
def scene():
    model = made_model()
    return model, model.template(), made_view()


def refiner_of(scene, **changes):
    model, template, view = scene
    return PoseRefiner(model, template, view, refine_params(**changes)), template.vertices[None].detach()


def test_finds_poses_that_the_head_has_missed_by_twenty_degrees(scene):
    # Four channels make for smaller errors than sixteen.
    refiner, vertices = refiner_of(scene, cap=0.3)
    truth, heads = poses_of(*TRUTH), poses_of(*HEADS)
    evidence = evidence_of(refiner.energy, vertices, truth)
    before = geodesic_degrees(heads.rotation, truth.rotation)
    refined = refiner.refine(vertices, heads, evidence)
    after = geodesic_degrees(refined.pose.rotation, truth.rotation)
    assert before.min() > 10
    assert after.max() < 5
    assert refined.pose.offset.abs().max() < 0.03
    # The rest of the energy is what the search has not found, and less than that of the head's pose.
    assert (refined.energy < refiner.energy(vertices, heads, evidence)[:, 0]).all()


def test_poses_are_found_on_another_device_too(scene):
    """Nothing stays behind on the CPU."""
    refiner, vertices = refiner_of(scene, rounds=3)
    heads, evidence = poses_of(*HEADS), evidence_of(refiner.energy, vertices, poses_of(*TRUTH))
    expected = refiner.refine(vertices, heads, evidence)
    model, template, view = scene
    with accelerator(), torch.no_grad():
        there = View(RasterizerThere(), view.camera, view.margin, view.size)
        moved = template._replace(vertices=template.vertices.to(DEVICE), faces=template.faces.to(DEVICE))
        refiner = PoseRefiner(copy.deepcopy(model).to(DEVICE), moved, there, refine_params(rounds=3))
        heads, evidence = (type(part)(*(value.to(DEVICE) for value in part)) for part in (heads, evidence))
        found = refiner.refine(vertices.to(DEVICE), heads, evidence)
        assert found.pose.rotation.device.type == DEVICE.type
        torch.testing.assert_close(found.pose.rotation.cpu(), expected.pose.rotation, atol=1e-5, rtol=0)
        torch.testing.assert_close(found.margin.cpu(), expected.margin, atol=1e-5, rtol=0)


def test_energy_is_that_of_the_pose(scene):
    refiner, vertices = refiner_of(scene)
    evidence = evidence_of(refiner.energy, vertices, poses_of(*TRUTH))
    refined = refiner.refine(vertices, poses_of(*HEADS), evidence)
    torch.testing.assert_close(
        refined.energy, refiner.energy(vertices, refined.pose, evidence)[:, 0], atol=1e-6, rtol=0
    )


def test_an_image_alone_has_the_same_pose(scene):
    refiner, vertices = refiner_of(scene)
    heads, evidence = poses_of(*HEADS), evidence_of(refiner.energy, vertices, poses_of(*TRUTH))
    together = refiner.refine(vertices, heads, evidence)
    for image in range(len(HEADS)):
        piece = slice(image, image + 1)
        alone = refiner.refine(
            vertices, PoseEstimate(*(v[piece] for v in heads)), Evidence(*(v[piece] for v in evidence))
        )
        torch.testing.assert_close(alone.pose.rotation, together.pose.rotation[piece], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.energy, together.energy[piece], atol=1e-6, rtol=0)


def test_without_evidence_the_prior_keeps_the_pose(scene):
    """Where features say nothing of the pose, what the head says is kept."""
    refiner, vertices = refiner_of(scene, prior=0.1, vertices=2000)
    head = poses_of(HEADS[0])
    evidence = Evidence(torch.full((1, 32, 32, 4), 10.0), torch.full((1, 32, 32), 0.5), torch.zeros(1, 32, 32).bool())
    refined = refiner.refine(vertices, head, evidence)
    assert geodesic_degrees(refined.pose.rotation, head.rotation).item() < 5


def test_the_margin_is_large_where_no_other_pose_explains_the_image(scene):
    """Starts all round find the other readings; an image of features without any detail has many."""
    azimuths = tuple(range(-180, 180, 30))
    refiner, vertices = refiner_of(scene, azimuths=azimuths, prior=0.001)
    evidence = evidence_of(refiner.energy, vertices, poses_of(TRUTH[0]))
    vague = evidence._replace(features=evidence.features.mean((1, 2), keepdim=True).expand_as(evidence.features))
    heads = poses_of(HEADS[0])
    sure, unsure = (refiner.refine(vertices, heads, one).margin.item() for one in (evidence, vague))
    assert sure > 0.1
    assert 0 <= unsure < sure / 3


def test_the_margin_is_infinite_if_no_other_pose_was_tried(scene):
    refiner, vertices = refiner_of(scene, azimuths=(0,), elevations=(0,), first_spread=0.01)
    evidence = evidence_of(refiner.energy, vertices, poses_of(TRUTH[0]))
    assert refiner.refine(vertices, poses_of(TRUTH[0]), evidence).margin.isinf().all()
