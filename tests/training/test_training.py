"""Training: deterministic, resumable to the bit, and stopped by what cannot be trained on."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from pipeline.model.view import View
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.curve import CURVE_COLUMNS, write_curve
from pipeline.training.job import LATE_DEFORMATION, LATE_LOSSES, TrainingJob
from pipeline.training.objective import Objective, Terms
from pipeline.training.run import TrainingRun, new_model
from pipeline.training.schedule import phase_at, step_generator
from pipeline.training.trainer import train
from support.tiny import tiny_params, tiny_set


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class InterruptedRunError(Exception):
    pass


@pytest.mark.parametrize("identity", ["frozen", "grid"])
def test_interrupted_training_ends_with_the_same_bytes(tmp_path, identity):
    """Killed before and after the freeze, with a checkpoint every 3 steps, against a run in one piece."""
    params = tiny_params(model__deformation__identity=identity)
    data = tiny_set(params)
    whole = train(TrainingJob(params, data, 0), tmp_path / "whole")
    for stop_at in (4, 8):

        def interrupt(row, stop_at=stop_at):
            if row["step"] >= stop_at:
                raise InterruptedRunError

        with pytest.raises(InterruptedRunError):
            train(TrainingJob(params, data, 0), tmp_path / "pieces", report=interrupt)
    resumed = train(TrainingJob(params, data, 0), tmp_path / "pieces")
    assert same(weights(whole.model), weights(resumed.model))
    assert whole.curve == resumed.curve


def test_every_tensor_of_the_data_is_part_of_the_identity():
    params = tiny_params()
    data = tiny_set(params)
    changed = {TrainingJob(params, data, 0).identity(), TrainingJob(params, tiny_set(params), 0).identity()}
    assert len(changed) == 1
    for name, column in vars(data).items():
        if isinstance(column, torch.Tensor):
            other = column.clone()
            other.view(-1)[-1] += 1
            changed.add(TrainingJob(params, dataclasses.replace(data, **{name: other}), 0).identity())
    assert len(changed) == len(dataclasses.fields(data))


def test_a_checkpoint_of_another_configuration_is_not_continued(tmp_path):
    params = tiny_params()
    data = tiny_set(params)
    other = tiny_params(loss__feat_cons=0.0)
    identity = TrainingJob(params, data, 0).identity()
    assert identity != TrainingJob(other, data, 0).identity()
    assert identity != TrainingJob(params, data, 1).identity()
    assert identity != TrainingJob(params, tiny_set(params, seed=1), 0).identity()

    def interrupt(row):
        if row["step"] >= 4:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        train(TrainingJob(params, data, 0), tmp_path, report=interrupt)
    fresh = train(TrainingJob(other, data, 0), tmp_path / "fresh")
    assert same(weights(train(TrainingJob(other, data, 0), tmp_path).model), weights(fresh.model))


LATE = {
    "loss__feat_cons": 0.0,
    "loss__laplacian": 0.0,
    "loss__feature_deformed": 0.0,
    "model__deformation__index_embedding": False,
    "model__deformation__code_std": 0.1,
}


def test_every_late_parameter_is_tried():
    assert {name.split("__")[-1] for name in LATE} == {*LATE_LOSSES, *LATE_DEFORMATION}


@pytest.mark.parametrize("change", LATE)
def test_a_shared_first_phase_leads_to_the_same_bytes(tmp_path, change):
    """The other run leaves its state at the freeze; going on from it equals a run of one's own."""
    params, other = tiny_params(), tiny_params(**{change: LATE[change]})
    data = tiny_set(params)
    alone = train(TrainingJob(params, data, 0), tmp_path / "alone")
    train(TrainingJob(other, data, 0), tmp_path / "other", tmp_path / "shared")
    before = sorted((tmp_path / "shared").iterdir())
    rows = []
    joined = train(TrainingJob(params, data, 0), tmp_path / "joined", tmp_path / "shared", report=rows.append)
    assert same(weights(alone.model), weights(joined.model))
    assert alone.curve == joined.curve == [list(row.values()) for row in rows]
    assert sorted((tmp_path / "shared").iterdir()) == before and len(before) == 2


def test_a_first_phase_is_shared_only_by_those_that_have_it_in_common():
    params = tiny_params()
    data = tiny_set(params)
    one = TrainingJob(params, data, 0).first_phase_identity()
    for change in (
        {"loss__depth": 0.0},
        {"loss__pose": 0.0},
        {"loss__feature": 1.0},
        {"training__batch": 3},
        {"loss__outline": 1.0},
    ):
        assert TrainingJob(tiny_params(**change), data, 0).first_phase_identity() != one
    assert TrainingJob(params, data, 1).first_phase_identity() != one
    assert TrainingJob(params, tiny_set(params, seed=1), 0).first_phase_identity() != one
    assert TrainingJob(tiny_params(model__deformation__identity="grid"), data, 0).first_phase_identity() is None


def test_training_lowers_the_silhouette_error(tmp_path):
    params = tiny_params(training__steps=40, training__deform_from=0.5)
    curve = train(TrainingJob(params, tiny_set(params, count=2), 0), tmp_path).curve
    column = CURVE_COLUMNS.index("mask")
    assert curve[-1][column] < 0.7 * curve[0][column]


def test_seed_changes_the_result(tmp_path):
    params = tiny_params()
    data = tiny_set(params)
    a = train(TrainingJob(params, data, 0), tmp_path).model
    b = train(TrainingJob(params, data, 1), tmp_path).model
    assert not same(weights(a), weights(b))


def test_flips_can_be_switched_off(tmp_path):
    params = tiny_params(training__flip=False)
    data = tiny_set(params)
    mirrored = dataclasses.replace(data, tokens=data.tokens.index_fill(1, torch.tensor([1]), torch.nan))
    assert same(
        *(weights(train(TrainingJob(params, d, 0), tmp_path / str(i)).model) for i, d in enumerate((data, mirrored)))
    )


def model_at(params, step):
    model = new_model(params, tiny_set(params), 0)
    if step >= 4:
        model.freeze()
    return model


def terms_of(params, step, model=None):
    data = tiny_set(params)
    view = View(make_rasterizer(), params.model.pose, params.data.crop_margin, params.training.image_size)
    objective = Objective(model or model_at(params, step), view, params)
    batch = data.batch(np.arange(2), np.array([False, True]))
    three = np.arange(3), np.array([False, True, False])
    phase = phase_at(step, params.training)
    poses = data.pose_batch(*three, params.model.pose.pool)
    return objective(batch, poses, data.outline_batch(*three), phase, step_generator(0, step))


@pytest.mark.parametrize("term", ["depth", "feat_cons", "pose", "eikonal"])
def test_a_weight_of_zero_switches_its_term_off(term):
    step = 7 if term in ("feat_cons", "depth") else 1
    off = terms_of(tiny_params(**{f"loss__{term}": 0.0}), step)
    assert getattr(off, term) == 0


def test_runs_without_pose_supervision_use_hypotheses_and_regress_their_losses():
    params = tiny_params(loss__pose=0.0)
    terms = terms_of(params, 1)
    assert terms.pose == 0 and terms.logit > 0
    supervised = terms_of(tiny_params(), 1)
    assert supervised.pose > 0 and supervised.logit == 0


def test_the_regression_of_the_logits_leaves_the_angles_alone():
    params = tiny_params(loss__pose=0.0)
    model = new_model(params, tiny_set(params), 0)
    terms_of(params, 1, model).logit.backward()
    assert all(p.grad is None or not p.grad.any() for p in model.pose.encoder.parameters())
    assert any(p.grad is not None and p.grad.any() for p in model.pose.logits.parameters())


@pytest.mark.parametrize("field", [True, False])
def test_one_of_each_mirror_pair_stands_for_both(field):
    """Terms and gradients against networks that see every vertex."""
    params = tiny_params(model__field__symmetric=field, model__deformation__code_std=1.0)
    fresh = model_at(params, 7)
    with torch.no_grad():
        for network in (fresh.deformation, fresh.field):
            network.output.weight.normal_(generator=torch.Generator().manual_seed(0))
    template = fresh.template()
    assert len(template.representatives.rows) < 0.6 * len(template.vertices)
    results = []
    for pairs in (True, False):
        model = copy.deepcopy(fresh)
        template = model.template()
        if not pairs:
            model.template = lambda jitter, template=template: template._replace(representatives=None)
        terms = terms_of(params, 7, model)
        terms.total(params.loss, phase_at(7, params.training)).backward()
        gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
        results.append((torch.stack(terms).detach(), gradients))
    (fast, fast_gradients), (slow, slow_gradients) = results
    assert slow[Terms._fields.index("feat_cons")] > 1e-2 and slow_gradients["codes"].abs().max() > 1e-6
    torch.testing.assert_close(fast, slow)
    assert fast_gradients.keys() == slow_gradients.keys()
    for name, expected in slow_gradients.items():
        assert (fast_gradients[name] - expected).norm() <= 1e-4 * expected.norm() + 1e-7, name


def test_total_is_the_weighted_sum():
    params = tiny_params()
    terms = Terms(*(torch.tensor(float(i + 1)) for i in range(len(Terms._fields))))
    phase = phase_at(7, params.training)
    expected = sum(
        getattr(params.loss, name) * float(value) * (phase.feat_cons if name == "feat_cons" else 1)
        for name, value in terms._asdict().items()
    )
    assert terms.total(params.loss, phase).item() == pytest.approx(expected, rel=1e-5)


def test_mirrored_batch_mirrors_every_label():
    params = tiny_params()
    data = tiny_set(params)
    plain = data.batch(np.array([2]), np.array([False]))
    mirrored = data.batch(np.array([2]), np.array([True]))
    for name in ("rgb", "mask", "valid", "distance", "disparity", "features", "tokens"):
        torch.testing.assert_close(getattr(mirrored, name), getattr(plain, name).flip(2))
    sign = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    torch.testing.assert_close(mirrored.rotation[0], sign @ plain.rotation[0] @ sign)


def test_outlines_teach_the_shapes_of_instances_and_nothing_else():
    """Neither the template nor the poses move towards an outline, in whichever phase."""
    params = tiny_params()
    for step in (1, 7):
        model = model_at(params, step)
        with torch.no_grad():
            model.deformation.output.weight.normal_(generator=torch.Generator().manual_seed(0))
        terms_of(params, step, model).outline.backward()
        moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        assert moved == {"encoder", "deformation"} | ({"codes"} if step == 7 else set())


@pytest.mark.parametrize(("pose", "outline", "first"), [(1.0, 20.0, 2), (0.0, 20.0, 4), (1.0, 0.0, None)])
def test_outlines_are_compared_from_their_time_on_and_once_there_are_poses(pose, outline, first):
    params = tiny_params(training__outline_from=0.25, loss__pose=pose, loss__outline=outline)
    run = TrainingRun(TrainingJob(params, tiny_set(params), 0))
    compared = [run.step for _ in range(params.training.steps) if run.advance().terms.outline > 0]
    assert compared == ([] if first is None else list(range(first + 1, params.training.steps + 1)))


def test_outlines_are_compared_in_the_poses_that_are_rendered():
    params = tiny_params(training__label_pose_until=0.5, training__outline_from=0.0)
    data, model = tiny_set(params), model_at(params, 1)
    turned = dataclasses.replace(data, rotation=data.rotation.roll(1, 0))

    def outline(labels, step):
        view = View(make_rasterizer(), params.model.pose, params.data.crop_margin, params.training.image_size)
        three = np.arange(3), np.zeros(3, bool)
        batches = labels.batch(*three), labels.pose_batch(*three, params.model.pose.pool), labels.outline_batch(*three)
        phase = phase_at(step, params.training)
        return Objective(model, view, params)(*batches, phase, step_generator(0, 0)).outline.item()

    assert outline(data, 1) != outline(turned, 1)
    assert outline(data, 4) == outline(turned, 4)


def test_mirrored_outlines_are_those_of_mirrored_batches():
    data = tiny_set(tiny_params())
    index, flips = np.array([2, 0]), np.array([True, False])
    batch, outlines = data.batch(index, flips), data.outline_batch(index, flips)
    for name in ("tokens", "distance", "rotation"):
        assert torch.equal(getattr(outlines, name), getattr(batch, name))
    assert torch.equal(outlines.distance[0], data.distance[2].flip(1))
    assert torch.equal(outlines.distance[1], data.distance[0]) and (outlines.distance < 0).any()


@pytest.mark.parametrize("pool", [1, 2, 4])
def test_pose_batch_shows_the_same_crops(pool):
    data = tiny_set(tiny_params())
    index, flips = np.array([2, 0, 1]), np.array([False, True, True])
    batch, poses = data.batch(index, flips), data.pose_batch(index, flips, pool)
    for name in ("rotation", "fold"):
        torch.testing.assert_close(getattr(poses, name), getattr(batch, name))
    side = batch.tokens.shape[1] // pool
    pixels = batch.mask.shape[1] // side
    for b, i, j in torch.cartesian_prod(torch.arange(3), torch.arange(side), torch.arange(side)).tolist():
        square = batch.tokens[b, pool * i : pool * (i + 1), pool * j : pool * (j + 1)]
        torch.testing.assert_close(poses.tokens[b, i, j], square.mean((0, 1)))
        touched = batch.mask[b, pixels * i : pixels * (i + 1), pixels * j : pixels * (j + 1)].any()
        assert poses.foreground[b, i, j] == touched


def test_curve_file(tmp_path):
    params = tiny_params()
    result = train(TrainingJob(params, tiny_set(params), 0), tmp_path / "checkpoints")
    write_curve(tmp_path / "curve.csv", result.curve)
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0].split(",") == list(CURVE_COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == ["2", "4", "6", "8"]
