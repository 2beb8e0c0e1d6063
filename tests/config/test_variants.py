"""Variants: what one takes over from its base, and what is refused."""

import copy

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import parse_params
from pipeline.config.variants import with_bases
from support.paths import ROOT

CONTENT = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"))


def params_with(variants: dict):
    content = copy.deepcopy(CONTENT)
    content["variants"] |= variants
    return parse_params(content, "my.yaml")


def test_the_changes_of_a_base_come_before_those_of_the_variant():
    variants = {
        "grandchild": {"base": "child", "loss": {"depth": 3.0}},
        "child": {"base": "root", "loss": {"rgb": 2.0}, "training": {"steps": 10}},
        "root": {"loss": {"rgb": 1.0, "mask": 1.0, "depth": 1.0}},
    }
    assert with_bases(variants, "my.yaml") == {
        "grandchild": {"loss": {"rgb": 2.0, "mask": 1.0, "depth": 3.0}, "training": {"steps": 10}},
        "child": {"loss": {"rgb": 2.0, "mask": 1.0, "depth": 1.0}, "training": {"steps": 10}},
        "root": {"loss": {"rgb": 1.0, "mask": 1.0, "depth": 1.0}},
    }
    assert variants["root"] == {"loss": {"rgb": 1.0, "mask": 1.0, "depth": 1.0}}


def test_parameters_hold_all_changes_of_a_variant():
    variants = params_with({"coarse_mp": {"base": "mp", "model": {"grid": {"resolution": 10}}}}).variants
    assert variants["coarse_mp"]["loss"] == variants["mp"]["loss"]
    assert variants["coarse_mp"]["model"] == {"deformation": {"index_embedding": False}, "grid": {"resolution": 10}}


@pytest.mark.parametrize("base", ["our", None, ["ours"]])
def test_an_unknown_base_is_refused(base):
    with pytest.raises(InputError, match=r"my\.yaml: variants\.mine\.base: no variant '.*'\. .*'?ours"):
        params_with({"mine": {"base": base}})


def test_a_variant_that_is_its_own_base_is_refused():
    with pytest.raises(InputError, match=r"variants\.mine\.base: .* the circle mine -> mine\. Give"):
        params_with({"mine": {"base": "mine"}})
    with pytest.raises(InputError, match=r"variants\.third\.base: .* the circle first -> second -> third -> second\."):
        params_with({"first": {"base": "second"}, "second": {"base": "third"}, "third": {"base": "second"}})


def test_a_base_changes_nothing_that_cells_share():
    with pytest.raises(InputError, match=r"variants\.mine: a variant cannot change 'data'"):
        params_with({"mine": {"base": "wide"}, "wide": {"data": {"crop_margin": 1.5}}})


def test_a_chain_of_bases_has_an_end():
    chain = {f"v{i}": {"base": f"v{i + 1}"} for i in range(2000)} | {"v2000": {}}
    with pytest.raises(InputError, match=r"variants\.v\d+\.base: expected at most 20 variants that rest on each other"):
        params_with(chain)
