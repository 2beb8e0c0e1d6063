"""The benchmark's command and its parts: what they print and write."""

import json
import time
from typing import NamedTuple

import numpy as np
import pytest
import torch

from benchmarks import neighbours as neighbours_part
from benchmarks import run as whole
from benchmarks.parts import PARTS, ROOT, Setting, find_part
from benchmarks.placeholders import find_nothing_to_do, pretend, run_module
from benchmarks.table import Table
from pipeline.reconstruction.neighbours import SCIPY, Nearest, kaolin_obstacle
from semagic.cli import bench
from support.command_line import semagic


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


def test_command_prints_and_writes_what_it_measured(tmp_path):
    output = tmp_path / "build" / "benchmarks.json"
    printed = run_module(ROOT, "semagic", "bench", "rasterizer", "labels", "--quick", "--output", str(output))
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


def test_what_is_done_is_kept_when_a_later_part_fails(tmp_path, monkeypatch):
    def fail(setting):
        raise RuntimeError("broken")

    rows = [Row("x", 1.0, None)]
    parts = {"rasterizer": lambda setting: (Table("Title", rows),), "memory": fail}
    monkeypatch.setattr(whole, "find_part", parts.__getitem__)
    output = tmp_path / "benchmarks.json"
    with pytest.raises(RuntimeError, match="broken"):
        whole.measure(["rasterizer", "memory"], output, quick=False)
    found = json.loads(output.read_text())["parts"]
    assert found["rasterizer"]["tables"] == [
        {"title": "Title", "rows": [{"name": "x", "some_ms": 1.0, "error": None}], "notes": []}
    ]
    assert "memory" not in found


def test_unknown_part_names_the_nearest(tmp_path):
    output = tmp_path / "benchmarks.json"
    done = semagic("bench", "rasteriser", "--output", output)
    assert done.exit_code == 1
    assert "unknown part 'rasteriser'. Did you mean 'rasterizer'?" in done.stderr
    assert not output.exists()


def test_every_part_is_there_and_named_in_the_help():
    for name in PARTS:
        assert callable(find_part(name))
    assert tuple(PARTS) == bench.PARTS


def test_a_package_without_benchmarks_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    done = semagic("bench", "rasterizer")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {tmp_path}: expected the folder benchmarks/ of a checkout, found none.")


def test_peak_memory_is_of_a_process_of_its_own(tmp_path):
    # More than the child needs, which must not count.
    held = np.ones(100_000_000)
    resident, gpu = json.loads(run_module(ROOT, "benchmarks.memory", str(tmp_path), "imports", "--quick"))
    assert 100 < resident < held.nbytes / 1e6 and gpu >= 0


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
    assert found.stages == 12
    find_nothing_to_do(found.folder)
    params = found.folder / "params.yaml"
    params.write_text(params.read_text().replace("scale_std: 1.0", "scale_std: 2.0"))
    dry = run_module(found.folder, "dvc", "repro", "--dry")
    assert "Running stage 'depth@car'" in dry and "Running stage 'masks@car'" not in dry
