"""The model bundle: complete, the same everywhere, and refused when it is damaged or of a newer version."""

import json
import shutil

import numpy as np
import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.opening import open_workspace
from pipeline.config.params import load_params
from pipeline.exporting.bundle import VERSION, open_bundle, write_bundle
from pipeline.photographs.lists import read_pairs
from semagic import CategoryModel, InputError
from support.tiny_run import CELL


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    write_bundle(open_workspace(run.root), CELL, folder)
    return folder


@pytest.fixture
def copied(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "bundle")


def test_a_bundle_needs_nothing_else_of_its_run_and_gives_the_same_answers(run, model, bundle, tmp_path):
    elsewhere = CategoryModel.load(shutil.copytree(bundle, tmp_path / "moved"))
    pair = read_pairs(run.pairs("car")).pairs[0]
    instances = {instance.name: instance for instance in run.evaluation_instances("car")}
    answers = []
    for one in (model, elsewhere):
        a, b = (
            one.prepare(run.photograph(instances[name]), instances[name].box) for name in (pair.source, pair.target)
        )
        answers.append((one.match(a, b, pair.source_keypoints), one.reconstruct(a)))
    for first, second in zip(*answers, strict=True):
        for one, other in zip(first, second, strict=True):
            assert np.array_equal(one, other, equal_nan=True)
    assert np.isfinite(answers[0][0].probability).all()


def test_equal_cells_give_equal_bytes_without_paths_of_the_machine(run, bundle, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(run.root, tmp_path / "clone")
    write_bundle(open_workspace(tmp_path / "clone"), CELL, again)
    names = sorted(path.name for path in bundle.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    for name in names:
        content = (bundle / name).read_bytes()
        assert content == (again / name).read_bytes()
        assert str(run.root).encode() not in content


def test_its_parameters_are_those_of_one_cell(bundle):
    params = load_params(bundle / "params.yaml")
    assert (params.categories, params.trained, params.seeds) == ((CELL.category,), (CELL.variant,), (CELL.seed,))
    assert params.variants == {CELL.variant: {}}


def test_its_card_is_read_by_others(bundle):
    _, header, text = (bundle / "README.md").read_text().split("---\n", 2)
    card = parse_yaml(header)
    assert card["license"] == "apache-2.0"
    assert "simulated" in card["tags"]
    (result,) = card["model-index"][0]["results"]
    assert 0 <= result["metrics"][0]["value"] <= 100
    assert "CategoryModel.load" in text and "Simulated, and not to be compared" in text


@pytest.mark.parametrize("name", ["model.safetensors", "params.yaml", "calibration.json", "foreground.safetensors"])
def test_a_changed_byte_is_named(copied, name):
    path = copied / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: expected the content of SHA-256.*damaged or changed"):
        CategoryModel.load(copied)


def test_a_missing_file_is_named(copied):
    (copied / "pca.safetensors").unlink()
    with pytest.raises(InputError, match=r"pca\.safetensors: expected a part of the model bundle, found no file"):
        CategoryModel.load(copied)


def test_a_bundle_of_a_newer_version_says_so_before_anything_else(copied):
    manifest = json.loads((copied / "bundle.json").read_text())
    (copied / "bundle.json").write_text(json.dumps(manifest | {"version": VERSION + 1}))
    with pytest.raises(InputError, match=rf"found version {VERSION + 1}.*update"):
        CategoryModel.load(copied)


@pytest.mark.parametrize("manifest", ["[]", "{}", '{"format": "other", "version": 1}', "nothing"])
def test_another_manifest_is_refused(copied, manifest):
    (copied / "bundle.json").write_text(manifest)
    write_checksums(copied)
    with pytest.raises(InputError, match=r"bundle\.json: expected the description of a model bundle"):
        open_bundle(copied)


def test_parts_of_a_bundle_are_not_replaced(bundle):
    with pytest.raises(InputError, match="a model bundle, which has its own parameters"):
        CategoryModel.load(bundle, pca=bundle / "pca.safetensors")
