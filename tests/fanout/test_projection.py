"""The projected time: what it counts, and how it grows."""

from collections import Counter

import pytest

from pipeline.config.cells import all_cells
from pipeline.fanout.projection import SECONDS, Projection, in_words, project, stage_counts, stages_to_go
from support.tiny import tiny_params


def many(**overrides):
    return tiny_params(
        **{
            # The sizes that were measured.
            "training__batch": 8,
            "training__image_size": 48,
            "model__grid__resolution": 20,
            "trained": ["mp", "ours"],
            "reconstruction__variants": ["mp", "ours"],
            "categories": ["car", "chair", "bus"],
            "seeds": [0, 1],
            **overrides,
        }
    )


def test_every_cell_is_counted():
    params = many(backbones=["dinov2", "dino"])
    counts = stage_counts(params)
    assert counts["train"] == counts["predict"] == len(list(all_cells(params))) == 24
    assert (counts["masks"], counts["features"], counts["reconstruct"]) == (3, 6, 24)


def test_stages_are_counted_by_their_names():
    params = many()
    stages = ["data", "train@ours-dinov2-car-0", "train@mp-dinov2-car-0", "masks@car", "report"]
    assert stages_to_go(stages, params) == Counter({"data": 3, "report": 3, "train": 2, "masks": 1})


def test_a_run_from_nothing_and_all_its_stages_are_the_same():
    params = many()
    stages = [
        f"{name}@{i}" for name, n in stage_counts(params).items() for i in range(n) if name not in ("data", "report")
    ]
    assert stages_to_go([*stages, "data", "report"], params) == stage_counts(params)


def test_time_grows_with_the_work_and_shrinks_with_the_cores():
    params, twice = many(training__steps=800), many(training__steps=1600)
    counts = stage_counts(params)
    one, two = (project(counts, params, jobs).seconds for jobs in (1, 2))
    assert one / 2 < two < one
    longer = project(counts, twice, 1).seconds - one
    assert longer == pytest.approx(SECONDS["train"] * counts["train"])
    assert project(Counter(), params, 2) == Projection(0, ())


def test_nothing_is_projected_for_networks_and_other_sizes():
    known, params = many(), many(masks__backend="sam", training__batch=16)
    counts = stage_counts(params)
    found = project(counts, params, 1)
    assert found.unknown == ("masks", "train")
    rest = Counter({name: number for name, number in counts.items() if name not in ("masks", "train")})
    assert found.seconds == project(rest, known, 1).seconds
    assert project(rest, params, 1).unknown == ()
    sift = many(backbones=["sift"])
    assert project(stage_counts(sift), sift, 1).unknown == ("features",)


def test_the_paper_s_sizes_were_measured_but_for_its_trainings():
    params = many(training__batch=10, training__image_size=256, model__grid__resolution=51)
    counts = stage_counts(params)
    found = project(counts, params, 1)
    assert found.unknown == ("train",)
    rest = Counter({name: number for name, number in counts.items() if name != "train"})
    assert found.seconds > 2 * project(rest, many(), 1).seconds


@pytest.mark.parametrize(
    ("seconds", "words"), [(10, "1 min"), (150, "2 min"), (3599, "1 h 00 min"), (7500, "2 h 05 min")]
)
def test_time_in_words(seconds, words):
    assert in_words(Projection(seconds, ())) == words
    assert in_words(Projection(seconds, ("masks", "train"))).startswith(f"{words} without masks, train, whose")
