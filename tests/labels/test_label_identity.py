"""What an unfinished folder of labels is continued for: the same code of its kind of label."""

import pytest

from pipeline.labels.depth.label import DEPTH
from pipeline.labels.features.label import FEATURES
from pipeline.labels.masks.label import MASKS
from pipeline.labels.poses.label import POSES
from support.package_copy import copy_package, digests, edit

KINDS = {kind.name: kind.module for kind in (MASKS, DEPTH, POSES, FEATURES)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_package(tmp_path_factory.mktemp("copy"))


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        *((elsewhere, []) for elsewhere in ("reporting", "evaluation", "training", "model", "matching", "tracking")),
        ("labels/components", []),
        ("labels/run.py", ["masks", "depth", "poses", "features"]),
        ("labels/job.py", ["masks", "depth", "poses", "features"]),
        ("photographs/photo.py", ["masks", "depth", "poses", "features"]),
        ("labels/masks/grabcut.py", ["masks"]),
        ("labels/depth/label.py", ["depth"]),
        ("labels/poses/orient_anything/decoding.py", ["poses"]),
        ("labels/features/sift.py", ["features"]),
        ("labels/patches.py", ["features"]),
        ("data/photographs_csv.py", ["masks", "poses"]),
        ("data/spair.py", []),
    ],
)
def test_labels_are_continued_unless_their_own_code_changes(copy, edited, changed):
    before = digests(copy, KINDS.values())
    edit(copy, f"pipeline/{edited}")
    after = digests(copy, KINDS.values())
    assert [name for name, module in KINDS.items() if after[module] != before[module]] == changed
