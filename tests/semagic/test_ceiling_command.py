"""`semagic ceiling` on a run at toy size."""

import re
from dataclasses import replace

import pytest

from pipeline.config.workspace import Workspace
from pipeline.gallery.ceilings import category_ceilings
from pipeline.prediction.predictions import read_predictions
from support.command_line import semagic
from support.tiny_run import CELL


def test_ceiling_scores_both_poses_and_both_shapes(run):
    done = semagic("ceiling", "--variant", "ours", "--category", "car", "--root", run.root)
    assert done.exit_code == 0
    first, *rows = done.stdout.splitlines()
    assert first == f"{CELL.name}: PCK by projection on 8 pairs"
    kinds = [
        f"{poses} poses, {shape} CAD model" for poses in ("annotated", "predicted") for shape in ("rigid", "deformed")
    ]
    assert len(rows) == 4
    scores = {}
    for row, kind in zip(rows, kinds, strict=True):
        found = re.fullmatch(rf"  {kind}, 8 pairs: (.*)", row)
        scores[kind] = [float(part.split(" at ")[0]) for part in found[1].split(", ")]
        assert scores[kind] == sorted(scores[kind]) and 0 <= scores[kind][0] and scores[kind][-1] <= 100
    # The toy model's poses are poor, and the true shape in the true pose is the best that there is.
    assert sum(scores[kinds[1]]) > sum(scores[kinds[2]])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--variant", "our", "no variant 'our'. Did you mean 'ours'?"),
        ("--category", "cat", "'cat'"),
        ("--seed", "7", "expected the predictions of the category, found none"),
    ],
)
def test_a_cell_that_is_not_there_is_one_line(run, option, value, message):
    chosen = {"--variant": "ours", "--category": "car", option: value}
    done = semagic("ceiling", *(word for pair in chosen.items() for word in pair), "--root", run.root)
    assert done.exit_code == 1 and message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_page_of_a_category_shows_the_same_ceilings(run):
    result = semagic("ceiling", "--variant", CELL.variant, "--category", CELL.category, "--root", run.root)
    said = [float(re.search(r"([\d.]+) at 0\.1,", line)[1]) for line in result.stdout.splitlines()[1:]]
    found = category_ceilings(run, CELL.category, {"Ours": read_predictions(run.predictions(CELL))})
    assert [one.poses for one in found] == ["annotated", "Ours"]
    shown = [100 * value for one in found for value in (one.rigid, one.deformed)]
    assert shown == pytest.approx(said, abs=0.05)
    without = replace(run.params, data=replace(run.params.data, pascal3d=""))
    assert category_ceilings(Workspace(run.root, without), CELL.category, {}) == ()
