"""Labels turn against the gradient, also those of mirror images, and are part of what a checkpoint keeps."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.config.training_params import LabelRefinement
from pipeline.photographs.cameras import geodesic_degrees
from pipeline.training.job import TrainingJob
from pipeline.training.label_turns import apply_turns, moved_turns, turnable
from pipeline.training.run import TrainingRun
from pipeline.training.schedule import phase_at
from pipeline.training.trainer import train
from support.tiny import tiny_params, tiny_set
from support.trainings import assert_same, interrupted

MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64))
seeds = st.integers(0, 2**32 - 1)


def rotations(seed, count=4):
    return torch.from_numpy(Rotation.random(count, random_state=seed).as_matrix())


def turns_of(seed, count=4, scale=0.5):
    return scale * torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 3)))


def params_of(**overrides):
    return tiny_params(
        training__label_refinement__step=2.0,
        training__label_refinement__start=0.0,
        training__label_pose_until=0.75,
        **overrides,
    )


@given(seeds)
def test_turns_are_scipys_rotation_vectors(seed):
    turn, rotation = turns_of(seed), rotations(seed)
    expected = Rotation.from_rotvec(turn.numpy()).as_matrix() @ rotation.numpy()
    np.testing.assert_allclose(apply_turns(turn, rotation), expected, atol=1e-12)


def test_no_turn_changes_nothing():
    rotation = rotations(0)
    assert torch.equal(apply_turns(torch.zeros(4, 3).double(), rotation), rotation)
    assert torch.equal(turnable(rotation).rotation, rotation)


@given(seeds)
def test_gradient_is_that_of_a_turn(seed):
    """Against central differences of a loss along each axis."""
    rotation, weights = rotations(seed), torch.from_numpy(np.random.default_rng(seed).normal(size=(4, 3, 3)))
    turned = turnable(rotation)
    (turned.rotation * weights).sum().backward()
    for axis in range(3):
        step = torch.zeros(4, 3).double()
        step[:, axis] = 1e-5
        there, back = ((apply_turns(turn, rotation) * weights).sum((1, 2)) for turn in (step, -step))
        np.testing.assert_allclose(turned.turn.grad[:, axis], (there - back) / 2e-5, atol=1e-8)


@given(seeds)
def test_a_mirror_image_turns_the_label_as_the_image_itself_does(seed):
    """The loss of the mirror image, in its mirrored pose, is that of the image."""
    rotation, weights = rotations(seed), torch.from_numpy(np.random.default_rng(seed).normal(size=(4, 3, 3)))
    gradients = []
    for seen, target in ((rotation, weights), (MIRROR @ rotation @ MIRROR, MIRROR @ weights @ MIRROR)):
        turned = turnable(seen)
        (turned.rotation * target).sum().backward()
        gradients.append(turned.turn.grad)
    params, index = LabelRefinement(1.0, 0.0, 0.0), torch.arange(4)
    one, other = (
        moved_turns(torch.zeros(4, 3).double(), index, torch.full((4,), mirrored), gradient, params)
        for mirrored, gradient in zip((False, True), gradients, strict=True)
    )
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_steps_have_one_length_and_lead_back_to_the_label():
    gradient = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
    before = torch.tensor([[0.1, 0.0, 0.0], [0.0, 0.2, 0.0], [0.5, 0.5, 0.5]])
    index, mirrored = torch.tensor([1, 0]), torch.tensor([False, False])
    after = moved_turns(before, index, mirrored, gradient, LabelRefinement(2.0, 0.25, 0.0))
    step = np.deg2rad(2.0)
    expected = [[0.075, 0.0, 0.0], [-0.6 * step, 0.15, -0.8 * step], [0.5, 0.5, 0.5]]
    np.testing.assert_allclose(after, expected, atol=1e-7)


def test_an_image_that_is_drawn_twice_takes_both_steps():
    gradient = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    after = moved_turns(
        torch.zeros(2, 3), torch.tensor([1, 1]), torch.tensor([False, False]), gradient, LabelRefinement(1.0, 0.0, 0.0)
    )
    np.testing.assert_allclose(after, [[0, 0, 0], [-np.pi / 180, -np.pi / 180, 0]], atol=1e-7)


@pytest.mark.parametrize(
    ("step", "refines"), [(0, False), (9, False), (10, True), (49, True), (50, False), (99, False)]
)
def test_labels_are_refined_while_images_are_rendered_in_them(step, refines):
    training = tiny_params(training__steps=100, training__label_pose_until=0.5).training
    chosen = dataclasses.replace(training, label_refinement=LabelRefinement(1.0, 0.0, 0.1))
    assert phase_at(step, chosen).refine_labels == refines
    assert not phase_at(step, training).refine_labels


def test_an_interrupted_training_ends_as_the_whole_one(tmp_path):
    params = params_of(training__steps=12, training__checkpoint_every=2)
    job = TrainingJob(params, tiny_set(params), 0)
    whole = train(job, tmp_path / "whole")
    for step in (3, 5, 8):
        interrupted(job, tmp_path / f"{step}", step)
        assert_same(train(job, tmp_path / f"{step}"), whole)


def test_labels_of_the_batch_turn_and_the_head_learns_from_them():
    params = params_of()
    run = TrainingRun(TrainingJob(params, tiny_set(params), 0))
    before, index = run.data.rotation, run.draws().batch.index
    run.advance()
    moved = geodesic_degrees(run.data.rotation, before)
    seen = torch.zeros(len(moved), dtype=torch.bool)
    seen[index] = True
    np.testing.assert_allclose(moved[seen], 2.0, atol=0.05)
    assert moved[~seen].max() < 0.05
    shown = run.data.pose_batch(index, np.zeros(len(index), bool), 1).rotation
    assert torch.equal(shown, run.data.rotation[index])


def test_a_step_that_fails_turns_no_label(monkeypatch):
    params = params_of()
    run = TrainingRun(TrainingJob(params, tiny_set(params), 0))
    run._spoiled = torch.tensor(0)
    before = run.data.rotation
    run.advance()
    assert torch.equal(run.data.rotation, before)
