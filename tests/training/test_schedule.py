"""Schedules are pure functions of the step."""

import numpy as np
import pytest
import torch

from pipeline.training.schedule import batch_flips, batch_order, deform_step, phase_at, step_generator
from support.tiny import tiny_params


def settings(**overrides):
    values = {"training__steps": 1000, "training__deform_from": 0.35, **overrides}
    return tiny_params(**values).training


def test_phases_follow_the_schedule():
    params = settings()
    first, middle, last = (phase_at(step, params) for step in (0, 400, 999))
    assert not first.deform and first.jitter and first.label_pose and not first.depth and first.uniform == 1
    assert middle.deform and not middle.jitter and middle.depth and middle.feat_cons == 1
    assert last.learning_rate == params.final_lr_factor and not last.label_pose
    assert phase_at(deform_step(params), params).deform and not phase_at(deform_step(params) - 1, params).deform
    assert not phase_at(deform_step(params) - 1, params).jitter


def test_hypotheses_sharpen_and_the_best_is_drawn_more_often():
    params = settings(training__hypotheses__sharpness=100.0)
    phases = [phase_at(step, params) for step in range(0, 1000, 10)]
    for name, sign in (("uniform", -1), ("sharpness", 1), ("best", 1)):
        values = sign * np.array([getattr(phase, name) for phase in phases])
        assert (np.diff(values) >= 0).all()
    assert phases[-1].uniform == 0 and phases[-1].sharpness == pytest.approx(99)
    assert phases[-1].best == params.hypotheses.best_share


def test_every_epoch_shows_every_image_once():
    order = np.concatenate([batch_order(0, step, 10, 4) for step in range(5)])
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))
    assert list(order[:10]) != list(order[10:])


def test_order_and_draws_depend_on_seed_and_step_alone():
    for function in (lambda: batch_order(0, 7, 50, 4).tolist(), lambda: batch_flips(0, 7, 40).tolist()):
        assert function() == function()
    assert batch_order(0, 7, 50, 4).tolist() != batch_order(1, 7, 50, 4).tolist()
    assert batch_flips(0, 7, 40).tolist() != batch_flips(1, 7, 40).tolist()
    draws = [torch.rand(3, generator=step_generator(*key)) for key in ((0, 3), (0, 3), (0, 4), (1, 3))]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2]) and not torch.equal(draws[0], draws[3])


def test_half_of_the_images_are_flipped():
    share = np.mean([batch_flips(0, step, 4) for step in range(500)])
    assert 0.45 < share < 0.55
