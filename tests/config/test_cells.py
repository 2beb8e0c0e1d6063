"""Cells: which there are, what each variant changes, and that a cell's file changes with what it depends on alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.cell_files import cell_parameters, write_cell_files
from pipeline.config.cells import Cell, all_cells, resolve
from pipeline.config.params import load_params, parse_params
from pipeline.config.parsing import merged, to_dict
from pipeline.config.workspace import Workspace
from pipeline.tracking.record import flatten
from support.paths import ROOT
from support.tiny import tiny_params

PARAMS = load_params(ROOT / "params.yaml")
INDEX, FEAT_CONS, DEPTH, POSE = "model.deformation.index_embedding", "loss.feat_cons", "loss.depth", "loss.pose"
READING = "correspondence.reading"
ABLATIONS = {
    "ours": {},
    "wo_index": {INDEX: False},
    "wo_feat_cons": {FEAT_CONS: 0},
    "wo_both": {INDEX: False, FEAT_CONS: 0},
    "wo_depth": {DEPTH: 0},
    "wo_pose": {POSE: 0},
}
# Weights of MagicPony's losses: method and code of Wu et al. 2023; the boost is 50 times its weight of 10. MagicPony
# has no term `surface_size`, which holds what no image sees.
MAGICPONY = {
    "loss.feature": 10,
    "loss.feature_deformed": 0,
    "loss.logit_feature_boost": 50,
    "loss.deformation": 10,
    "loss.laplacian": 0,
}


def differences(variant: str, backbone: str = "dinov2") -> dict:
    """Resolved parameters that differ from those of 'ours'."""
    ours = flatten(to_dict(resolve(PARAMS, Cell("ours", "dinov2", "car", 0))))
    other = flatten(to_dict(resolve(PARAMS, Cell(variant, backbone, "car", 0))))
    assert ours.keys() == other.keys()
    return {name: value for name, value in other.items() if value != ours[name]}


@pytest.mark.parametrize("variant", ABLATIONS)
def test_an_ablation_differs_from_ours_in_what_its_name_says_and_nothing_else(variant):
    assert differences(variant) == ABLATIONS[variant]


@pytest.mark.parametrize(
    ("variant", "switched"),
    [("mp", {DEPTH: 0, POSE: 0}), ("mp_depth", {POSE: 0}), ("mp_pose", {})],
)
def test_magicpony_has_its_own_weights_and_neither_codes_nor_consistency_nor_search(variant, switched):
    found = differences(variant)
    assert {name: found[name] for name in switched} == switched
    shared = {INDEX: False, FEAT_CONS: 0, READING: "projection"}
    assert found.items() >= {**switched, **shared}.items()
    assert found.keys() <= {*switched, *shared, *MAGICPONY}
    for name, value in MAGICPONY.items():
        resolved = flatten(to_dict(resolve(PARAMS, Cell(variant, "dinov2", "car", 0))))[name]
        # Without viewpoint hypotheses there are no logits to boost.
        assert resolved == value or (variant == "mp_pose" and name == "loss.logit_feature_boost")


def test_a_backbone_changes_nothing_but_features():
    assert all(name.startswith("features.") for name in differences("ours", "dino"))
    assert differences("ours", "dino")


def test_cells_are_the_product_of_what_is_run():
    params = tiny_params(
        trained=["mp", "ours"],
        backbones=["dinov2", "dino"],
        categories=["car"],
        seeds=[0, 5],
        reconstruction__variants=[],
    )
    names = [cell.name for cell in all_cells(params)]
    assert len(names) == len(set(names)) == 8
    assert names[:2] == ["mp-dinov2-car-0", "mp-dinov2-car-5"]
    assert names[-1] == "ours-dino-car-5"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Cell("our", "dinov2", "car", 0), "no variant 'our'. Did you mean 'ours'"),
        (Cell("ours", "dinov3", "car", 0), "no backbone 'dinov3'. Did you mean 'dinov2'"),
        (Cell("ours", "dinov2", "cars", 0), "'cars'. Did you mean 'car'"),
        (Cell("ours", "dinov2", "car", -1), "seed of a training must be from 0 to 4294967295; found -1"),
    ],
)
def test_an_unknown_cell_is_named(cell, message):
    with pytest.raises(InputError, match=message):
        resolve(PARAMS, cell)


def changed_files(change: dict, tmp_path: Path) -> set[str]:
    """Cells whose file differs once `change` is made to the base parameters."""
    content = parse_yaml((ROOT / "params.yaml").read_text()) | {"categories": ["car"]}
    for folder, found in (("before", content), ("after", merged(content, change))):
        params = parse_params(found)
        write_cell_files(Workspace(tmp_path / folder, params))
    before, after = ({p.name: p.read_text() for p in (tmp_path / f / "cells").iterdir()} for f in ("before", "after"))
    assert before.keys() == after.keys()
    return {name.split("-")[0] for name in before if before[name] != after[name]}


def test_a_change_reaches_just_the_variants_that_do_not_set_the_key(tmp_path):
    reached = changed_files({"loss": {"feat_cons": 0}}, tmp_path)
    assert reached == {"ours", "wo_index", "wo_depth", "wo_pose", "ours_refined"}


def test_a_change_to_a_variant_reaches_those_that_have_it_as_their_base(tmp_path):
    reached = changed_files({"variants": {"mp_pose": {"loss": {"rgb": 2.0}}}}, tmp_path)
    assert reached == {"mp", "mp_depth", "mp_pose", "mp_pose_refined"}


def test_a_change_to_one_variant_reaches_it_alone(tmp_path):
    assert changed_files({"variants": {"wo_depth": {"loss": {"depth": 0.01}}}}, tmp_path) == {"wo_depth"}


def test_what_is_made_of_all_cells_reaches_none(tmp_path):
    change = {"bootstrap": {"replicates": 10}, "reconstruction": {"images": 3}, "tracking": {"experiment": "x"}}
    assert changed_files(change, tmp_path) == set()


def test_files_are_read_back_and_equal_parameters_give_equal_bytes(tmp_path):
    workspace = Workspace(tmp_path, PARAMS)
    cells = write_cell_files(workspace)
    for cell in cells:
        content = parse_yaml(workspace.cell_file(cell).read_text())
        assert content == cell_parameters(PARAMS, cell)
        assert (content["variant"], content["seed"]) == (cell.variant, cell.seed)
    assert len(list((tmp_path / "cells").iterdir())) == len(cells) == 33


nested = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3)
)
mappings = st.dictionaries(st.sampled_from("abc"), nested, max_size=3)


@given(mappings, mappings)
def test_merging_takes_the_leaves_of_the_overlay(content, overlay):
    def leaf(nested, path):
        for name in path:
            if not isinstance(nested, dict) or name not in nested:
                return None
            nested = nested[name]
        return nested

    result = merged(content, overlay)
    for path, value in paths(overlay):
        assert leaf(result, path) == value
    for path, value in paths(content):
        if not any(path[: len(other)] == other or other[: len(path)] == path for other, _ in paths(overlay)):
            assert leaf(result, path) == value
    assert merged(content, {}) == content
    assert merged(result, overlay) == result


def paths(nested: dict, prefix: tuple = ()) -> list[tuple[tuple, object]]:
    """Leaves by their path; an empty mapping is no leaf."""
    found = []
    for name, value in nested.items():
        found += paths(value, (*prefix, name)) if isinstance(value, dict) else [((*prefix, name), value)]
    return found
