"""Numbers that go wrong: a training goes back once, with smaller steps, and says so; the second time it stops."""

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.model.template import NoSurfaceError
from pipeline.training import savepoints, trainer
from pipeline.training.curve import CURVE_COLUMNS, write_curve
from pipeline.training.failed_step import read_failed_step
from pipeline.training.failure import FailedStepError, TrainingError
from pipeline.training.job import TrainingJob
from pipeline.training.replay import replay
from pipeline.training.run import TrainingRun
from pipeline.training.setback import Setback
from pipeline.training.trainer import train
from support.tiny import tiny_params, tiny_set
from support.trainings import NumberRun, assert_same, interrupted

STEPS, EVERY, FREEZE = 8, 3, 4
"""The tiny trainings below have the savepoints 0, 3, 4, where the template freezes, and 6."""


def make_job(**changes):
    schedule = {"training__steps": STEPS, "training__checkpoint_every": EVERY, "training__deform_from": FREEZE / STEPS}
    params = tiny_params(**{**schedule, **changes})
    return TrainingJob(params, tiny_set(params), 0)


def spoil_terms(run, evaluated):
    terms = evaluated.terms._replace(mask=evaluated.terms.mask * torch.inf)
    return evaluated._replace(terms=terms, total=evaluated.total * torch.inf)


def spoil_gradient(run, evaluated):
    name = next(iter(evaluated.norms))
    for parameter in run.model.parameters():
        if parameter.grad is not None:
            parameter.grad.fill_(torch.nan)
    return evaluated._replace(norms=evaluated.norms | {name: evaluated.norms[name] * torch.nan})


def spoil_template(run, evaluated):
    raise NoSurfaceError("the template has vanished")


SPOILERS = {
    "not finite: the term mask": spoil_terms,
    "not finite: the gradient of signed distance and feature field": spoil_gradient,
    "the template has vanished": spoil_template,
}


@pytest.fixture
def fails_at(monkeypatch):
    """Let steps fail, as a function of the training's state alone: those given first, and others after a setback."""
    evaluate = TrainingRun.evaluate

    def set_up(first, then=(), spoil=spoil_terms):
        def evaluated(run, draws):
            result = evaluate(run, draws)
            return spoil(run, result) if run.step in (then if run.setback else first) else result

        monkeypatch.setattr(TrainingRun, "evaluate", evaluated)

    return set_up


@pytest.fixture
def of_one_number(monkeypatch):
    """Trainings of one number, without waiting for a disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    for module in (trainer, savepoints):
        monkeypatch.setattr(module, "TrainingRun", NumberRun)
    return lambda fails, at_once=False: (
        monkeypatch.setattr(NumberRun, "fails", tuple(fails)),
        monkeypatch.setattr(NumberRun, "at_once", at_once),
    )


@pytest.mark.parametrize("reason", SPOILERS)
def test_a_training_goes_back_and_says_so(fails_at, tmp_path, reason, capsys):
    fails_at([5], spoil=SPOILERS[reason])
    rows = []
    result = train(make_job(), tmp_path, report=rows.append)
    setback = result.setback
    assert (setback.step, setback.back_to, setback.reason) == (5, 4, reason)
    assert len(setback.images) == 2 and set(setback.images) <= {f"image_{i}" for i in range(5)}
    assert all(value.isfinite().all() for value in result.model.state_dict().values())
    assert [row[0] for row in result.curve] == [2, 4, 6, 8] and torch.tensor(result.curve).isfinite().all()
    assert {row["step"]: row["setback"] for row in rows if "setback" in row} == {6: 5}
    told = [line for line in capsys.readouterr().err.split("\n") if "goes back" in line]
    assert len(told) == 1 and f"Step 5: {reason}, on the images" in told[0] and "to step 4, with 0.5 times" in told[0]


@pytest.mark.parametrize(("step", "target"), [(0, 0), (2, 0), (3, 0), (4, 3), (5, 4), (6, 4), (7, 6)])
def test_a_training_goes_back_to_the_last_savepoint_before(of_one_number, tmp_path, step, target):
    of_one_number([step])
    assert train(make_job(), tmp_path).setback[:2] == (step, target)


def test_an_interrupted_training_goes_back_in_the_same_way(fails_at, tmp_path):
    fails_at([5])
    job = make_job()
    whole = train(job, tmp_path / "whole")
    interrupted(job, tmp_path / "cut", 8)
    assert_same(train(job, tmp_path / "cut"), whole)


@pytest.fixture(scope="module")
def number_job():
    return make_job()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schedule=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 12)),
    fails=st.sets(st.integers(0, 11), max_size=3),
    at_once=st.booleans(),
    kills=st.lists(st.integers(1, 12), max_size=4),
    takes_over=st.booleans(),
)
def test_no_interruption_changes_the_result(number_job, of_one_number, schedule, fails, at_once, kills, takes_over):
    """Whatever fails, wherever it is killed, and whether or not it takes the first phase over from another training."""
    of_one_number(fails, at_once)
    every, log, freeze = schedule
    settings = dataclasses.replace(
        number_job.params.training, steps=12, checkpoint_every=every, log_every=log, deform_from=freeze / 12
    )
    job = dataclasses.replace(number_job, params=dataclasses.replace(number_job.params, training=settings))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        whole = train(job, root / "whole", root / "shared")
        assert (whole.setback is None) == (not fails)
        assert [row[0] for row in whole.curve] == [step for step in range(1, 13) if step % log == 0 or step == 12]
        for stop in kills:
            interrupted(job, root / "cut", stop, root / "shared" if takes_over else None)
        assert_same(train(job, root / "cut", root / "shared" if takes_over else None), whole)


@pytest.mark.parametrize("step", [FREEZE, FREEZE + 1])
def test_a_setback_of_the_second_phase_stays_out_of_the_shared_first_one(of_one_number, tmp_path, step):
    job, shared = make_job(), tmp_path / "shared"
    plain = train(job, tmp_path / "plain")
    of_one_number([step])
    assert train(job, tmp_path / "fails", shared).setback
    of_one_number([])
    assert_same(train(job, tmp_path / "after", shared), plain)


def test_a_shared_first_phase_that_is_lost_is_not_replaced_by_one_with_a_setback(of_one_number, tmp_path):
    job, shared = make_job(), tmp_path / "shared"
    plain = train(job, tmp_path / "plain")
    of_one_number([FREEZE], at_once=True)
    reached = []

    def report(row):
        if row["step"] == FREEZE:
            reached.append(row)
            shutil.rmtree(shared, ignore_errors=True)

    assert train(job, tmp_path / "fails", shared, report=report).setback and len(reached) == 2
    of_one_number([])
    assert_same(train(job, tmp_path / "after", shared), plain)


def test_the_step_is_half_as_large_after_a_setback():
    job = make_job()
    run = TrainingRun(job)
    run.advance()
    assert run.optimizer.param_groups[0]["lr"] == job.params.training.lr_prior
    run.setback = Setback(3, 1, "made up", ())
    run.advance()
    assert [group["lr"] for group in run.optimizer.param_groups] == [
        0.5 * rate for rate in (group["base_lr"] for group in run.optimizer.param_groups)
    ]


@pytest.mark.parametrize("spoil", [spoil_terms, spoil_gradient], ids=["terms", "gradient"])
def test_a_step_that_fails_leaves_the_weights_alone(fails_at, spoil):
    """However many steps are done before anyone looks."""
    job = make_job(model__deformation__identity="grid")
    expected, run = TrainingRun(job), TrainingRun(job)
    expected.advance()
    fails_at([1], spoil=spoil)
    for _ in range(3):
        run.advance()
    with pytest.raises(FailedStepError, match="Step 1"):
        run.check()
    assert run.step == 1
    for state in ("model", "moments"):
        before, after = getattr(expected.checkpoint(), state), getattr(run.checkpoint(), state)
        assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_second_failure_ends_the_training_and_leaves_its_step(fails_at, tmp_path, monkeypatch):
    fails_at([5], [7], spoil_gradient)
    with pytest.raises(TrainingError) as told:
        train(make_job(), tmp_path)
    message, path = str(told.value), tmp_path / "failed_step.safetensors"
    assert "Step 7: not finite: the gradient of signed distance and feature field, on the images image_" in message
    assert "gone back before, from step 5 to step 4" in message and f"semagic replay {path}" in message
    failed = read_failed_step(path)
    assert failed.step == 7
    # The same command again ends in the same way.
    with pytest.raises(TrainingError) as again:
        train(make_job(), tmp_path)
    assert str(again.value) == message and replay(path).failed.model.keys() == failed.model.keys()


def test_a_label_that_is_not_a_number_ends_the_training(tmp_path):
    """No step can be taken at all: nothing is told and no checkpoint kept, and the file gives the same numbers."""
    job = make_job(training__log_every=1)
    data = dataclasses.replace(job.data, distance=torch.full_like(job.data.distance, torch.nan))
    rows = []
    with pytest.raises(TrainingError, match=r"Step 0: not finite: the term distance, on the images image_\d"):
        train(TrainingJob(job.params, data, 0), tmp_path / "cell", tmp_path / "shared", report=rows.append)
    assert not rows
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["failed_step.safetensors"]
    found = replay(tmp_path / "cell" / "failed_step.safetensors")
    assert found.reason == "not finite: the term distance"
    terms = found.evaluated.terms._asdict()
    assert [name for name, value in terms.items() if not value.isfinite()] == ["distance"]


@pytest.mark.parametrize(("radius", "reason"), [(-1.0, "has vanished"), (9.0, "fills the grid")])
def test_a_template_without_a_surface_ends_the_training(tmp_path, radius, reason):
    job = make_job()
    # No parameter file may say so.
    sdf = dataclasses.replace(job.params.model.sdf, radius=radius)
    params = dataclasses.replace(job.params, model=dataclasses.replace(job.params.model, sdf=sdf))
    with pytest.raises(TrainingError, match=rf"Step 0: the template {reason}.*image_\d"):
        train(TrainingJob(params, job.data, 0), tmp_path)
    assert (tmp_path / "failed_step.safetensors").is_file()


def test_a_smaller_step_saves_a_template_that_had_vanished(tmp_path):
    """No failure is made up here: with this rate the surface is gone at step 2."""
    params = tiny_params(training__lr_prior=0.2, training__steps=12)
    result = train(TrainingJob(params, tiny_set(params), 8), tmp_path)
    assert result.setback.step == 2 and "vanished" in result.setback.reason
    assert len(result.model.template().faces)


def test_the_average_has_a_template_or_the_training_says_so():
    run = TrainingRun(make_job(model__deformation__identity="grid"))
    run.average = {name: value.detach().clone() for name, value in run.model.named_parameters()}
    # A correction of the signed distance that is far below zero everywhere.
    run.average["changing.distance.correction.input.bias"] += 100.0
    run.average["changing.distance.correction.output.weight"] -= 100.0
    with pytest.raises(TrainingError, match="averaged weights have no template"):
        run.finished()


def test_only_a_curve_with_a_setback_has_its_column(tmp_path):
    rows = [[float(step)] * len(CURVE_COLUMNS) for step in (2, 4, 6, 8)]
    for setback, columns in ((None, []), (Setback(5, 4, "made up", ()), ["setback"])):
        write_curve(tmp_path / "curve.csv", rows, setback)
        read = pd.read_csv(tmp_path / "curve.csv")
        assert list(read.columns) == [*CURVE_COLUMNS, *columns]
    assert read.set_index("step")["setback"].dropna().to_dict() == {6: 5}
