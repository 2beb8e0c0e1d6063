"""What an unfinished training is continued for: the same parameters and data, and the same code of the training."""

import pytest

from pipeline.training import job
from pipeline.training.job import TRAINER, TrainingJob
from support.package_copy import copy_package, digests, edit
from support.tiny import tiny_params, tiny_set


def test_an_edit_outside_the_training_continues_it_and_one_inside_does_not(tmp_path):
    copy = copy_package(tmp_path)
    before = digests(copy, [TRAINER])
    for elsewhere in ("reporting", "evaluation", "reconstruction", "tracking", "labels/masks", "data"):
        edit(copy, f"pipeline/{elsewhere}")
    assert digests(copy, [TRAINER]) == before
    for inside in ("training/losses.py", "model/pose.py", "rendering/kernels/raster.py", "config/params.py"):
        edit(copy, f"pipeline/{inside}")
        after = digests(copy, [TRAINER])
        assert after != before, inside
        before = after


def test_the_identities_depend_on_the_code(monkeypatch):
    params = tiny_params()
    training = TrainingJob(params, tiny_set(params), seed=0)
    before = training.identity(), training.first_phase_identity()
    assert before == (training.identity(), training.first_phase_identity())
    asked = []
    monkeypatch.setattr(job, "source_sha256", lambda module: asked.append(module) or "other code")
    after = training.identity(), training.first_phase_identity()
    assert set(before).isdisjoint(after)
    assert asked == [TRAINER, TRAINER]


@pytest.mark.parametrize("identity", ["frozen", "grid"])
def test_a_first_phase_is_shared_where_the_template_is_frozen(identity):
    params = tiny_params(model__deformation__identity=identity)
    assert (TrainingJob(params, tiny_set(params), 0).first_phase_identity() is None) == (identity == "grid")
