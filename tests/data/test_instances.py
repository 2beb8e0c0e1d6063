import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from pipeline.base.checksums import DamagedFileError, write_checksums
from pipeline.base.errors import InputError
from pipeline.base.files import sha256
from pipeline.data import pascal3d, spair
from pipeline.data.imagenet_split import viewpoint
from pipeline.data.paper_rules import select
from pipeline.data.selection import describe, write_selection
from pipeline.photographs.lists import pair_list, read_instances, read_pairs, write_instances, write_pairs
from stages import instances as stage
from stages.arguments import parse_backbone, parse_category, parse_cell, parse_run, run_stage
from support.paths import GENUINE_SPAIR, ROOT, needs_fixtures
from support.releases import CAR, IMAGE, VIEW, workspace_of, write_evaluation, write_pascal, write_training

TRAINING = {
    "n_fine": (CAR,),
    "n_truncated": (replace(CAR, truncated=True),),
    "n_occluded": (replace(CAR, occluded=True),),
    "n_difficult": (replace(CAR, difficult=True),),
    "n_empty": (),
    "n_blind": (replace(CAR, viewpoint=None, cad_index=None),),
}
EVALUATION = {"a": IMAGE, "b": replace(IMAGE, occluded=1), "cut": replace(IMAGE, truncated=1), "unused": IMAGE}
PAIRS = [("a", "b"), ("a", "cut"), ("cut", "a"), ("b", "a")]


@pytest.fixture
def root(tmp_path):
    write_training(tmp_path / "pascal3d", TRAINING)
    write_evaluation(tmp_path / "spair", EVALUATION, PAIRS)
    return tmp_path


def make(workspace, category="car"):
    return select(workspace, category)


def names(tables, train):
    return [item.name for item in tables.instances if (item.split == "train") is train]


def test_the_papers_rules_leave_whole_unflagged_objects(root):
    tables = make(workspace_of(root))
    assert names(tables, train=True) == ["n_blind", "n_fine"]
    assert names(tables, train=False) == ["a", "b"]
    assert [(pair.source, pair.target) for pair in tables.pairs.pairs] == [("a", "b"), ("b", "a")]
    counts = tables.counts
    assert (counts.training_listed, counts.training_skipped, counts.training_flagged, counts.training) == (6, 1, 3, 2)
    assert (counts.pairs_listed, counts.pairs_truncated, counts.pairs_skipped, counts.pairs) == (4, 2, 0, 2)
    assert counts.evaluation == 2
    assert list(tables.skipped) == ["n_empty"]


def test_each_rule_is_a_parameter(root):
    tables = make(workspace_of(root, exclude_flagged_training=False, exclude_truncated_pairs=False))
    assert len(names(tables, train=True)) == 5
    assert names(tables, train=False) == ["a", "b", "cut"]
    assert (tables.counts.pairs, tables.counts.pairs_truncated, tables.counts.training_flagged) == (4, 0, 0)


def test_confidence_is_learned_from_pairs_of_another_split_without_evaluated_photographs(root):
    more = {"c": IMAGE, "d": IMAGE, "torn": replace(IMAGE, truncated=1)}
    pairs = [("c", "d"), ("d", "a"), ("a", "c"), ("torn", "c")]
    write_evaluation(root / "spair", EVALUATION | more, pairs, split="val")
    tables = make(workspace_of(root))
    assert [(pair.source, pair.target) for pair in tables.calibration.pairs] == [("c", "d")]
    assert {item.name: item.split for item in tables.instances if not item.training} == {
        "a": "test",
        "b": "test",
        "c": "val",
        "d": "val",
    }
    assert (tables.counts.evaluation, tables.counts.calibration_pairs, tables.counts.calibration) == (2, 1, 2)
    workspace = workspace_of(root)
    write_selection(workspace, tables)
    assert read_pairs(workspace.calibration_pairs("car")).sha256 == tables.calibration.sha256
    assert [item.name for item in workspace.evaluation_instances("car")] == ["a", "b"]
    assert [item.name for item in workspace.paired_instances("car")] == ["a", "b", "c", "d"]
    assert "1 calibration pairs in 'val' with 2 images" in describe(tables)


def test_a_split_without_pairs_of_the_category_teaches_no_confidence(root):
    tables = make(workspace_of(root))
    assert (tables.calibration.split, tables.calibration.pairs) == ("val", ())
    assert tables.counts.calibration_pairs == 0


def test_paths_do_not_name_the_folder_of_the_run(root):
    for item in make(workspace_of(root)).instances:
        assert not item.image.startswith("/")
        assert (root / item.image).is_file()


def test_without_pascal3d_there_are_no_training_instances(root):
    shutil.rmtree(root / "pascal3d")
    tables = make(workspace_of(root, pascal3d=""))
    assert names(tables, train=True) == []
    assert tables.counts.training_listed == 0
    with pytest.raises(InputError, match=r"data\.pascal3d"):
        make(workspace_of(root))


def test_evaluated_images_have_the_viewpoint_and_the_model_that_pascal3d_annotates(root):
    write_pascal(root / "pascal3d", {"a": (CAR,), "b": (replace(CAR, viewpoint=None),), "cut": (CAR,)})
    workspace = workspace_of(root)
    tables = make(workspace)
    found = {item.name: (item.viewpoint, item.cad_index) for item in tables.instances if item.split == "test"}
    assert found == {"a": (viewpoint(VIEW), 3), "b": (None, 3)}
    assert (tables.counts.evaluation_viewpoints, tables.counts.evaluation_cad_models) == (1, 2)
    assert "a viewpoint for 1 and a CAD model for 2 of the 2 evaluated images" in describe(tables)
    write_selection(workspace, tables)
    assert tuple(read_instances(workspace.instances("car"))) == tables.instances
    summary = json.loads(workspace.instances("car").with_name("summary.json").read_text())
    assert (summary["counts"]["evaluation_viewpoints"], summary["counts"]["evaluation_cad_models"]) == (1, 2)
    # The pairs, and so the scores, do not depend on it.
    shutil.rmtree(root / "pascal3d" / "Annotations" / "car_pascal")
    assert make(workspace).pairs.sha256 == tables.pairs.sha256


@pytest.mark.parametrize("present", [True, False])
def test_without_an_annotation_evaluated_images_have_neither_viewpoint_nor_model(present, root):
    # With an empty data.pascal3d, what lies in the folder of the run is not read.
    write_pascal(root, {"a": (CAR,), "b": (CAR,)})
    if present:
        write_pascal(root / "pascal3d", {"another": (CAR,)})
    for workspace in (workspace_of(root), workspace_of(root, pascal3d="")):
        tables = make(workspace)
        assert [item.viewpoint or item.cad_index for item in tables.instances if item.split == "test"] == [None, None]
        assert (tables.counts.evaluation_viewpoints, tables.counts.evaluation_cad_models) == (0, 0)


def test_a_damaged_annotation_of_an_evaluated_image_is_an_error(root):
    write_pascal(root / "pascal3d", {"a": (CAR,)})
    path = pascal3d.annotation_path(root / "pascal3d", "car", "a", "pascal")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"car_pascal/a\.mat.*Fetch"):
        make(workspace_of(root))


def test_pairs_of_an_image_whose_box_lies_outside_are_skipped(root):
    images = {**EVALUATION, "b": replace(IMAGE, bndbox=(100, 100, 120, 120))}
    write_evaluation(root / "spair", images, [*PAIRS, ("a", "unused")])
    tables = make(workspace_of(root))
    assert [(pair.source, pair.target) for pair in tables.pairs.pairs] == [("a", "unused")]
    assert (tables.counts.pairs_skipped, tables.counts.pairs_truncated) == (2, 2)
    assert "outside the image" in tables.skipped["b"]


def test_nothing_left_is_an_error_that_says_why(root):
    write_evaluation(root / "spair", EVALUATION, [("a", "cut")])
    with pytest.raises(InputError, match=r"1 of 1 have a truncated image.*data\.exclude_truncated_pairs"):
        make(workspace_of(root))
    write_evaluation(root / "spair", EVALUATION, PAIRS)
    write_training(root / "pascal3d", {"n_occluded": (replace(CAR, occluded=True),), "n_empty": ()})
    with pytest.raises(InputError, match=r"1 skipped \(the first, n_empty: .*\), 1 truncated, occluded"):
        make(workspace_of(root))


def test_a_pair_whose_image_has_no_annotation_or_photograph_is_an_error(root):
    spair.image_path(root / "spair", "car", "b").unlink()
    with pytest.raises(InputError, match=r"b\.jpg"):
        make(workspace_of(root))
    spair.annotation_path(root / "spair", "car", "b").unlink()
    with pytest.raises(InputError, match=r"b\.json"):
        make(workspace_of(root))


def test_a_training_annotation_without_its_photograph_is_skipped(root):
    pascal3d.image_path(root / "pascal3d", "car", "n_blind").unlink()
    tables = make(workspace_of(root))
    assert names(tables, train=True) == ["n_fine"]
    assert "n_blind.JPEG" in tables.skipped["n_blind"]


def test_an_image_in_both_splits_is_an_error(root):
    write_training(root / "pascal3d", {"a": (CAR,)})
    with pytest.raises(InputError, match="found a in"):
        make(workspace_of(root))


def test_tables_round_trip_and_equal_tables_give_equal_bytes(root):
    workspace = workspace_of(root)
    tables = make(workspace)
    write_selection(workspace, tables)
    paths = [workspace.instances("car"), workspace.pairs("car"), workspace.instances("car").with_name("summary.json")]
    digests = [sha256(path) for path in paths]
    assert tuple(read_instances(paths[0])) == tables.instances
    found = read_pairs(paths[1])
    assert found._replace(pairs=()) == tables.pairs._replace(pairs=())
    for pair, expected in zip(found.pairs, tables.pairs.pairs, strict=True):
        np.testing.assert_array_equal(pair.source_keypoints, expected.source_keypoints)
        np.testing.assert_array_equal(pair.target_keypoints, expected.target_keypoints)
        empty = {"source_keypoints": np.zeros((0, 2)), "target_keypoints": np.zeros((0, 2))}
        left, right = (vars(replace(item, **empty)) for item in (pair, expected))
        assert {k: v for k, v in left.items() if k not in empty} == {k: v for k, v in right.items() if k not in empty}
    write_selection(workspace, make(workspace))
    assert [sha256(path) for path in paths] == digests


def test_the_summary_states_counts_skips_and_the_digest(root):
    workspace = workspace_of(root)
    tables = make(workspace)
    write_selection(workspace, tables)
    summary = json.loads(workspace.instances("car").with_name("summary.json").read_text())
    assert summary["counts"]["pairs_listed"] == 4
    assert summary["counts"]["pairs"] == 2
    assert summary["pairs_sha256"] == tables.pairs.sha256
    assert list(summary["skipped"]) == ["n_empty"]
    text = describe(tables)
    assert "2 training images of 6" in text
    assert "2 evaluated pairs of 4" in text
    assert "skipped n_empty" in text


def test_the_digest_depends_on_the_pairs_alone(root):
    pairs = make(workspace_of(root)).pairs.pairs
    digest = pair_list("car", "test", pairs).sha256
    assert pair_list("car", "val", pairs).sha256 == digest
    assert pair_list("car", "test", pairs[::-1]).sha256 != digest
    moved = replace(pairs[0], target_keypoints=pairs[0].target_keypoints + 1)
    assert pair_list("car", "test", (moved, *pairs[1:])).sha256 != digest


def test_an_empty_table_is_a_table(tmp_path):
    write_instances(tmp_path / "table.parquet", [])
    write_checksums(tmp_path)
    assert read_instances(tmp_path / "table.parquet") == []


def test_missing_and_damaged_tables_are_errors_that_name_them(root):
    workspace = workspace_of(root)
    table, pairs = workspace.instances("car"), workspace.pairs("car")
    with pytest.raises(InputError, match=r"instances\.parquet.*dvc repro"):
        read_instances(table)
    with pytest.raises(InputError, match=r"pairs\.json.*dvc repro"):
        read_pairs(pairs)
    write_selection(workspace, make(workspace))
    table.write_bytes(table.read_bytes()[:200])
    with pytest.raises(InputError, match=r"instances\.parquet.*damaged"):
        read_instances(table)
    content = pairs.read_text()
    pairs.write_text(content.replace('"target": "b"', '"target": "c"'))
    with pytest.raises(DamagedFileError, match=r"pairs\.json.*damaged or changed"):
        read_pairs(pairs)
    write_checksums(pairs.parent)
    with pytest.raises(InputError, match=r"pairs\.json.*digest"):
        read_pairs(pairs)
    pairs.write_text(content[:100])
    write_checksums(pairs.parent)
    with pytest.raises(InputError, match=r"pairs\.json: expected pairs as JSON, found something else"):
        read_pairs(pairs)
    pairs.write_text("[]")
    write_checksums(pairs.parent)
    with pytest.raises(InputError, match=r"pairs\.json: expected pairs as JSON, found something else"):
        read_pairs(pairs)


@needs_fixtures
def test_the_genuine_bus_pair_makes_tables_without_pascal3d(tmp_path):
    # The release's list of `val` is not among the genuine files: the copy has one without a pair of buses.
    copy = shutil.copytree(GENUINE_SPAIR, tmp_path / "spair")
    spair.pair_list_path(copy, "large", "val").write_text("000001-2008_000033-2008_000251:aeroplane\n")
    data = {"pascal3d": "", "spair": str(copy), "evaluation_split": "trn"}
    with pytest.raises(InputError, match="2 of 2 have a truncated image"):
        make(workspace_of(tmp_path, **data), "bus")
    workspace = workspace_of(tmp_path, **data, exclude_truncated_pairs=False)
    tables = make(workspace, "bus")
    assert [item.name for item in tables.instances] == ["2008_000032", "2008_000075"]
    assert (len(tables.pairs.pairs), tables.counts.calibration_pairs) == (2, 0)
    write_pairs(workspace.pairs("bus"), tables.pairs)
    write_checksums(workspace.pairs("bus").parent)
    assert read_pairs(workspace.pairs("bus")).sha256 == tables.pairs.sha256
    assert (workspace.root / tables.instances[0].image).is_file()


@pytest.fixture
def shipped(root):
    text = (ROOT / "params.yaml").read_text()
    text = text.replace("data/PASCAL3D+_release1.1", "pascal3d").replace("data/SPair-71k", "spair")
    (root / "params.yaml").write_text(text)
    return root


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["instances", *map(str, arguments)])
    run_stage(stage.main)


def test_the_stage_writes_the_tables_and_prints_the_counts(shipped, monkeypatch, capsys):
    run(monkeypatch, "--category", "car", "--root", shipped)
    assert "2 evaluated pairs of 4" in capsys.readouterr().out
    assert [item.name for item in read_instances(workspace_of(shipped).instances("car"))][:2] == ["n_blind", "n_fine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--category", "cat"], "Did you mean 'car'"),
        (["--category", "bus"], "bus_imagenet"),
        (["--category", "car", "--root", "/nowhere"], "no parameter file"),
    ],
)
def test_what_the_user_can_mend_is_one_message_and_exit_code_one(arguments, message, shipped, monkeypatch, capsys):
    monkeypatch.chdir(shipped)
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, *arguments)
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert "Traceback" not in error


def test_command_lines_name_the_category_and_the_root(shipped):
    root = ["--root", str(shipped)]
    workspace, category = parse_category("A stage.", ["--category", "car", *root])
    assert (category, workspace.root) == ("car", shipped)
    assert parse_run("A stage.", root) == workspace
    with pytest.raises(SystemExit):
        parse_category("A stage.", [])


def test_command_lines_name_the_cell_and_give_its_parameters(shipped):
    root = ["--category", "car", "--root", str(shipped)]
    workspace, cell = parse_cell("A stage.", ["--variant", "wo_feat_cons", *root])
    assert cell == ("wo_feat_cons", "dinov2", "car", 0)
    assert workspace.params.loss.feat_cons == 0
    options = ["--variant", "ours", "--backbone", "dino", "--seed", "7", *root]
    assert parse_cell("A stage.", options)[1] == ("ours", "dino", "car", 7)
    with pytest.raises(InputError, match="Did you mean 'ours'"):
        parse_cell("A stage.", ["--variant", "our", *root])
    with pytest.raises(SystemExit):
        parse_cell("A stage.", root)


def test_command_lines_name_the_backbone_and_give_its_features(shipped):
    root = ["--category", "car", "--root", str(shipped)]
    workspace, backbone, category = parse_backbone("A stage.", ["--backbone", "sift", *root])
    assert (backbone, category, workspace.params.features.backend) == ("sift", "car", "sift")
    assert parse_backbone("A stage.", root)[1] == "dinov2"


@pytest.mark.parametrize(("limit", "expected"), [(0, 5), (1, 1), (2, 2), (3, 3), (9, 5)])
def test_training_images_can_be_limited_evenly_and_are_counted(limit, expected, root):
    tables = make(workspace_of(root, exclude_flagged_training=False, max_training_images=limit))
    everything = names(make(workspace_of(root, exclude_flagged_training=False)), train=True)
    chosen = names(tables, train=True)
    assert len(chosen) == expected and chosen == [name for name in everything if name in chosen]
    assert (tables.counts.training, tables.counts.training_over_limit) == (expected, 5 - expected)
    if limit == 2:
        assert chosen == [everything[0], everything[2]]
