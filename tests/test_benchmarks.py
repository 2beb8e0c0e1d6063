"""The benchmark's command, its fit and its split: that they measure, not how fast anything is."""

import json
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_params, tiny_set
from torch.profiler import ProfilerActivity, profile

from benchmarks import __main__ as command
from benchmarks import neighbours as neighbours_part
from benchmarks.floor import OTHER, Call, floor_rows, record, traffic
from benchmarks.parts import PARTS, ROOT, Setting, find_part
from benchmarks.placeholders import find_nothing_to_do, pretend, run_module
from benchmarks.power_law import fit_power_law
from benchmarks.rasterizer import render
from benchmarks.scaling import ScalingRow, laws
from benchmarks.scene import COVERAGE, make_scene
from benchmarks.soft_rasterizer import soft_render
from benchmarks.split import part, split_steps, step_boundary
from benchmarks.table import Table
from benchmarks.timing import Samples, interleaved, paired_ratio
from benchmarks.training_run import NETWORKS, PHASES, run_steps
from pipeline.errors import InputError
from pipeline.geometry.meshes import is_watertight, signed_volume
from pipeline.reconstruction.neighbours import SCIPY, Nearest, kaolin_obstacle
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training import trainer

positive = st.floats(1e-3, 1e3)


@given(st.floats(-3, 3), positive, st.lists(positive, min_size=3, max_size=6, unique_by=lambda size: round(size, 3)))
def test_fit_recovers_a_power_law(exponent, factor, sizes):
    law = fit_power_law(sizes, [factor * size**exponent for size in sizes])
    assert law.exponent == pytest.approx(exponent, abs=1e-6)
    assert law.factor == pytest.approx(factor, rel=1e-5)
    assert law.standard_error == pytest.approx(0, abs=1e-6)


def test_standard_error_is_that_of_linear_regression():
    rng = np.random.default_rng(0)
    sizes = np.array([1, 2, 5, 10, 30, 100.0])
    costs = 3 * sizes**1.4 * np.exp(rng.normal(0, 0.2, len(sizes)))
    law = fit_power_law(sizes, costs)
    (exponent, _), covariance = np.polyfit(np.log(sizes), np.log(costs), 1, cov=True)
    assert law.exponent == pytest.approx(exponent)
    assert law.standard_error == pytest.approx(np.sqrt(covariance[0, 0]))
    assert fit_power_law([1, 2], [3, 6]).standard_error is None


@pytest.mark.parametrize(("sizes", "costs"), [([1], [1]), ([2, 2], [1, 3]), ([1, 2], [0, 1]), ([1, 2, 3], [1, 2])])
def test_no_law_without_two_sizes_and_positive_costs(sizes, costs):
    with pytest.raises(InputError, match="positive costs at two or more different"):
        fit_power_law(sizes, costs)


def test_laws_are_fitted_to_each_kind_of_cost_alone():
    rows = [ScalingRow("a", "pixels", n, n**2.0) for n in (1, 2, 4)]
    rows += [ScalingRow("a", "images", n, 5.0 * n) for n in (3, 9)]
    assert [(law.cost, law.size_of, round(law.exponent, 6)) for law in laws(rows)] == [
        ("a", "pixels", 2),
        ("a", "images", 1),
    ]


def test_actions_take_turns():
    calls = []
    actions = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b") or time.sleep(0.01)}
    samples = interleaved(actions, repeats=3, warmup=1)
    assert calls == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert len(samples["a"].wall) == 3
    assert samples["b"].summary().low >= 10
    assert samples["b"].summary().cpu < 10, "sleeping takes no processor"


def test_processor_time_is_counted_where_a_process_spends_it():
    code = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    action = {"child": lambda: subprocess.run([sys.executable, "-c", code], check=True)}
    found = interleaved(action, repeats=1, warmup=0)["child"].summary()
    assert 200 <= found.cpu <= found.median + 100


def test_ratios_are_of_the_same_round():
    slow_round = Samples((1.0, 10.0, 2.0), (0.0,) * 3), Samples((2.0, 20.0, 4.0), (0.0,) * 3)
    assert paired_ratio(*slow_round) == (0.5, 0.5, 0.5)


class Row(NamedTuple):
    name: str
    some_ms: float
    error: float | None


def test_table_is_markdown():
    text = Table("Title", [Row("x", 1234.5, None), Row("y", 0.012345, 2.0)], ["a note."]).markdown()
    assert text.splitlines() == [
        "### Title",
        "",
        "| name | some ms | error |",
        "|---|---:|---|",
        "| x | 1234 | – |",
        "| y | 0.0123 | 2 |",
        "",
        "* a note.",
    ]


class Sleep(torch.autograd.Function):
    """Identity, whose passes sleep for the milliseconds that they are given."""

    @staticmethod
    def forward(ctx, x, forward, backward):
        ctx.backward_ms = backward
        time.sleep(forward / 1e3)
        return x * 1.0

    @staticmethod
    def backward(ctx, grad):
        time.sleep(ctx.backward_ms / 1e3)
        return grad * 1.0, None, None


def test_backward_belongs_to_the_range_of_its_forward():
    x = torch.ones(3, requires_grad=True)

    def step():
        with part("outer"):
            y = Sleep.apply(x, 10, 20)
            with part("inner"):
                z = Sleep.apply(y, 30, 40)
            time.sleep(0.005)
        Sleep.apply(z, 0, 50).sum().backward()

    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(2):
            step_boundary()
            step()
        step_boundary()
    split = split_steps(profiler.events())
    times = {row.part: row for row in split.parts}
    # A busy machine only makes these longer.
    assert times["outer"].forward_ms >= 15 and times["outer"].backward_ms >= 20
    assert times["inner"].forward_ms >= 30 and times["inner"].backward_ms >= 40
    # What no range was around.
    assert times["rest"].forward_ms >= 50
    assert sum(row.forward_ms + row.backward_ms for row in split.parts) == pytest.approx(split.step_ms)


def test_a_differentiated_gradient_belongs_to_the_range_of_its_function():
    x = torch.linspace(0, 1, 200_000, requires_grad=True)

    def step():
        with part("function"):
            y = x.sin().exp().sum()
        gradient = torch.autograd.grad(y, x, create_graph=True)[0]
        with part("loss"):
            loss = gradient.square().sum()
        loss.backward()

    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step_boundary()
        step()
        step_boundary()
    times = {row.part: row for row in split_steps(profiler.events()).parts}
    # The first and the second derivative of sin and exp, against one of the square.
    assert times["function"].backward_ms > times["loss"].backward_ms > 0


def test_split_of_a_training_makes_up_its_steps():
    params = tiny_params(loss__depth=0.1)
    before = trainer.new_model, trainer.make_rasterizer, trainer.evaluate_objective
    phases = run_steps(params, tiny_set(params), 10, profiled=True)
    assert (trainer.new_model, trainer.make_rasterizer, trainer.evaluate_objective) == before
    for name in PHASES:
        found = phases[name]
        assert len(found.wall) == 4
        parts = {row.part: row.forward_ms + row.backward_ms for row in found.split.parts}
        assert sum(parts.values()) == pytest.approx(found.split.step_ms)
        # The profiler's clock against this process's.
        assert found.split.step_ms == pytest.approx(np.mean(found.wall), rel=0.05)
        assert parts["rest"] < 0.5 * found.split.step_ms
        assert all(value >= 0 for value in parts.values())
        assert {"data", "rasterizer", "losses and geometry", "optimiser"} <= parts.keys()
    networks = [{row.part for row in phases[name].split.parts} & set(NETWORKS) for name in PHASES]
    assert networks == [set(NETWORKS) - {"deformation"}, set(NETWORKS) - {"sdf"}]


def test_plain_training_is_timed_without_a_profiler():
    params = tiny_params()
    phases = run_steps(params, tiny_set(params), 5)
    assert [phases[name].split for name in PHASES] == [None, None]
    assert all(phases[name].vertices > 10 and min(phases[name].wall) > 0 for name in PHASES)


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


def test_command_prints_and_writes_what_it_measured(tmp_path):
    output = tmp_path / "build" / "benchmarks.json"
    printed = run_module(ROOT, "benchmarks", "rasterizer", "labels", "--quick", "--output", str(output))
    content = json.loads(output.read_text())
    assert content["quick"] is True
    assert content["machine"]["cores"] >= 1 and content["machine"]["memory_gb"] > 0
    assert content["versions"]["torch"] == torch.__version__
    assert set(content["parts"]) == {"labels", "rasterizer"}
    for name, found in content["parts"].items():
        assert f"## {name}" in printed
        assert len(found["load_before"]) == 3 and found["seconds"] > 0
        for table in found["tables"]:
            assert f"### {table['title']}" in printed
            assert table["rows"] and all(row.keys() == table["rows"][0].keys() for row in table["rows"])
    rasterizer = content["parts"]["rasterizer"]["tables"][0]["rows"]
    assert all(row["both_ms"] >= row["both_low_ms"] > 0 for row in rasterizer)
    labels = content["parts"]["labels"]["tables"][0]["rows"]
    assert {(row["kind"], row["backend"], row["weights"]) for row in labels} >= {
        ("masks", "grabcut", "none"),
        ("masks", "sam", "tiny"),
        ("depth", "depth_anything", "tiny"),
        ("poses", "orient_anything", "tiny"),
        ("features", "dinov2", "tiny"),
        ("features", "sift", "none"),
    }
    assert all(row["images_per_s"] > 0 for row in labels)


def test_peak_memory_is_of_a_process_of_its_own(tmp_path):
    # More than the child needs, which must not count.
    held = np.ones(100_000_000)
    resident, gpu = json.loads(run_module(ROOT, "benchmarks.memory", str(tmp_path), "imports", "--quick"))
    assert 100 < resident < held.nbytes / 1e6 and gpu >= 0


def test_what_is_done_is_kept_when_a_later_part_fails(tmp_path, monkeypatch):
    def fail(setting):
        raise RuntimeError("broken")

    rows = [Row("x", 1.0, None)]
    parts = {"rasterizer": lambda setting: (Table("Title", rows),), "memory": fail}
    monkeypatch.setattr(command, "find_part", parts.__getitem__)
    output = tmp_path / "benchmarks.json"
    with pytest.raises(RuntimeError, match="broken"):
        command.main(["rasterizer", "memory", "--output", str(output)])
    found = json.loads(output.read_text())["parts"]
    assert found["rasterizer"]["tables"] == [
        {"title": "Title", "rows": [{"name": "x", "some_ms": 1.0, "error": None}], "notes": []}
    ]
    assert "memory" not in found


def test_one_whole_step_of_each_phase_is_recorded_and_can_be_run_again():
    params = tiny_params()
    calls = record(params, tiny_set(params), 4)
    names = {phase: [call.operation.name() for call in found] for phase, found in calls.items()}
    # One update for each group of the optimiser; the codes are a group from the freeze on.
    assert [names[phase].count("aten::_fused_adam_") for phase in PHASES] == [3, 4]
    with torch.no_grad():
        # A copy of a byte a millisecond, so slow that no call takes longer, but for a few without tensors.
        rows = floor_rows(calls, 1.0)
        free = floor_rows(calls, float("inf"))
    for phase in PHASES:
        counts = {row.kind: row.calls for row in rows if row.phase == phase}
        assert sum(counts.values()) == len(calls[phase])
        assert counts["matrix products"] > 40 and counts["sines and cosines"] >= 6
    assert all(row.alone_ms > 0 and row.megabytes > 0 for row in rows)
    for row in rows:
        assert row.traffic_ms == pytest.approx(row.alone_ms, rel=0.1) if row.kind == OTHER else row.traffic_ms == 0
    assert all(row.traffic_ms == 0 for row in free)


def test_traffic_is_what_a_call_reads_and_writes():
    left, right = torch.ones(10, 3), torch.ones(3, 7)
    assert traffic(Call(torch.ops.aten.mm.default, (left, right), {})) == 4 * (30 + 21 + 70)
    assert traffic(Call(torch.ops.aten.cat.default, ([left, left.double()],), {})) == 4 * 30 + 8 * 30 + 8 * 60
    rows = torch.tensor([1, 2])
    assert traffic(Call(torch.ops.aten.index_select.default, (left, 0, rows), {})) == 8 * 2 + 2 * 4 * 6
    assert traffic(Call(torch.ops.aten.zero_.default, (left,), {})) == 4 * 30
    assert traffic(Call(torch.ops.aten.neg.default, (torch.ones(1, 3).expand(10, 3),), {})) == 4 * 3 + 4 * 30


def test_the_clock_of_several_steps_gives_the_time_of_one(monkeypatch):
    params = tiny_params()
    counted = []
    advance = trainer._Run.advance
    monkeypatch.setattr(trainer._Run, "advance", lambda run: counted.append(run.step) or advance(run))
    phases = run_steps(params, tiny_set(params), 20, profiled=True)
    assert len(counted) == 40
    for phase in PHASES:
        # Of the last eight steps of each phase, every two.
        times = phases[phase]
        assert len(times.wall) == 4
        assert times.split.step_ms == pytest.approx(sum(times.wall) / 4, rel=0.5)


def test_unknown_part_names_the_nearest(tmp_path, capsys):
    output = tmp_path / "benchmarks.json"
    assert command.main(["rasteriser", "--output", str(output)]) == 1
    assert "unknown part 'rasteriser'. Did you mean 'rasterizer'?" in capsys.readouterr().err
    assert not output.exists()


def test_every_part_is_there():
    for name in PARTS:
        assert callable(find_part(name))


class Hasty:
    """Finds the first point, whatever is asked for; it takes a hundredth of a second."""

    name = "kaolin"

    def cloud(self, points, once=False):
        return self

    def nearest(self, points):
        time.sleep(0.01)
        return Nearest(np.zeros(len(points)), np.zeros(len(points), np.int64))


def test_neighbours_are_those_of_scipy_or_the_table_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(neighbours_part, "kaolin_obstacle", lambda: "")
    monkeypatch.setattr(neighbours_part, "make_neighbours", {"scipy": SCIPY, "kaolin": Hasty()}.__getitem__)
    (table,) = neighbours_part.measure_neighbours(Setting(True, tmp_path))
    scipy, hasty = table.rows
    assert (scipy.search, scipy.same, scipy.times_as_long) == ("scipy", 1, 1)
    assert (hasty.search, hasty.points) == ("kaolin", 1000)
    assert hasty.same < 0.05 and hasty.query_ms >= 10
    assert hasty.times_as_long == pytest.approx(hasty.query_ms / scipy.query_ms)


def test_what_cannot_be_measured_is_named(tmp_path):
    if not (obstacle := kaolin_obstacle()):
        pytest.skip("kaolin is here")
    (table,) = neighbours_part.measure_neighbours(Setting(True, tmp_path))
    assert [row.search for row in table.rows] == ["scipy"]
    assert any(note == f"Not measured: kaolin. {obstacle}" for note in table.notes)


def test_placeholders_leave_nothing_to_do_until_a_parameter_changes(tmp_path):
    overrides = {"categories": ["car"], "trained": [], "reconstruction": {"variants": []}}
    found = pretend(tmp_path / "repository", overrides)
    assert found.stages == 10
    find_nothing_to_do(found.folder)
    params = found.folder / "params.yaml"
    params.write_text(params.read_text().replace("scale_std: 1.0", "scale_std: 2.0"))
    dry = run_module(found.folder, "dvc", "repro", "--dry")
    assert "Running stage 'depth@car'" in dry and "Running stage 'masks@car'" not in dry
