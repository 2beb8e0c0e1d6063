"""Parameters of different sections that contradict each other."""

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.cells import Cell, resolve
from pipeline.config.params import parse_params
from pipeline.config.parsing import merged
from pipeline.geometry.tetgrid import build_tetgrid
from support.paths import ROOT

CONTENT = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"))


def changed(overlay: dict) -> dict:
    return merged(CONTENT, overlay)


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"model": {"pose": {"pool": 3}}}, r"model\.pose\.pool must divide features\.grid, which is 32; found 3"),
        (
            {"model": {"sdf": {"radius": 2.45}}},
            r"sdf\.radius must be above 0\.14 and below 2\.4, .* found 2\.45",
        ),
        ({"model": {"sdf": {"radius": 0.1}}}, r"model\.sdf\.radius must be above 0\.14"),
        ({"model": {"grid": {"resolution": 2}}}, r"model\.sdf\.radius must be above 1\.4 .*model\.grid\.resolution 2 "),
        ({"training": {"jitter": 0.3}}, r"model\.sdf\.radius .* below 1, .*training\.jitter"),
        ({"model": {"pose": {"distance": 5}}}, r"model\.pose\.distance must be above model\.grid\.scale, which is 5"),
        ({"data": {"pascal3d": ""}}, r"data\.generate writes both releases, .*found '' and 'data/SPair-71k'"),
        ({"data": {"pascal3d": "data/x", "spair": "data/x"}}, r"must be two folders beside each other"),
        ({"data": {"pascal3d": "data", "spair": "data/x"}}, r"must be two folders beside each other"),
        ({"simulation": {"trn_images": 9950}}, r"trn_images, val_images and test_images must be 10000 .*found 10014"),
        ({"data": {"reader": "folder"}}, r"data\.generate writes releases, which the reader 'folder' does not read"),
        ({"categories": ["car", "cars"]}, r"categories: Unknown category 'cars'\. Did you mean 'car'"),
        (
            {"evaluation": {"baselines": ["ours"]}},
            r"other names in `trained` .*baselines, found 'ours'",
        ),
        ({"variants": {"ours": {"model": {"pose": {"pool": 3}}}}}, r"variants\.ours: model\.pose\.pool must divide"),
        ({"variants": {"ours": {"training": {"jitter": 0.3}}}}, r"variants\.ours: model\.sdf\.radius must be"),
    ],
)
def test_a_contradiction_names_both_keys(overlay, message):
    with pytest.raises(InputError, match=rf"^my\.yaml: .*{message}"):
        parse_params(changed(overlay), "my.yaml")


def test_a_variant_and_a_backbone_that_do_not_fit_are_noticed_when_they_meet():
    overlay = {
        "variants": {"ours": {"model": {"pose": {"pool": 16}}}},
        "features": {"backbones": {"dino": {"grid": 8}}},
    }
    params = parse_params(changed(overlay))
    resolve(params, Cell("ours", "dinov2", "car", 0))
    with pytest.raises(InputError, match=r"model\.pose\.pool must divide features\.grid, which is 8; found 16"):
        resolve(params, Cell("ours", "dino", "car", 0))


def test_folders_that_hold_a_release_already_may_be_one(tmp_path):
    parse_params(changed({"data": {"generate": [], "pascal3d": "", "spair": str(tmp_path)}}))


@pytest.mark.parametrize("resolution", [1, 2, 3, 6, 7])
def test_a_sphere_of_the_smallest_radius_holds_a_vertex_of_the_grid(resolution):
    """Wherever its centre is, as jitter may move the grid by any distance."""
    import torch

    grid = build_tetgrid(resolution, 1.0)
    centres = torch.rand(2000, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    nearest = torch.cdist(centres, grid.vertices).amin(1)
    assert nearest.max() < 0.56 / resolution
