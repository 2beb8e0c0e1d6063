"""Files that people write: parameters, profiles, pins; and those of DVC."""

from pathlib import Path
from shutil import copy
from typing import Any

from faults.kind import Kind
from pipeline.base.yaml_text import parse_yaml, to_yaml
from support.paths import ROOT

PROFILE = {
    "categories": ["car"],
    "training": {"steps": 10, "lr_prior": 0.001},
    "variants": {"wo_depth": {"loss": {"depth": 0.1}}},
}


def settings(root: Path) -> None:
    """The shipped parameters, pins and a profile."""
    copy(ROOT / "params.yaml", root)
    copy(ROOT / "downloads.yaml", root)
    (root / "profiles").mkdir()
    (root / "profiles" / "mine.yaml").write_text(to_yaml(PROFILE))


def _read_params(root: Path) -> Any:
    from pipeline.config.opening import open_workspace

    return open_workspace(root).params


def _read_profile(root: Path) -> Any:
    from pipeline.config.params import parse_params
    from pipeline.config.profiles import merge_text, read_profile

    text = merge_text((root / "params.yaml").read_text(), read_profile(root / "profiles", "mine"), "profile mine.yaml")
    return parse_params(parse_yaml(text, "profile mine.yaml"), "profile mine.yaml")


def _read_pins(root: Path) -> Any:
    from pipeline.downloads.pins import read_pins

    return read_pins(root / "downloads.yaml")


def _check_params(params: Any) -> None:
    from pipeline.config.cells import all_cells

    assert len(list(all_cells(params))) < 100_000
    assert params.training.batch > 0 and params.training.steps >= 0 and params.data.crop_margin > -1


def check_pins(pins: Any) -> None:
    for name, release in pins.releases.items():
        assert 0 <= release.size < 1e15 and "/" not in release.archive and release.archive not in ("", ".", "..")
        _check_path(name)
        _check_path(release.folder)
    for name, weights in pins.weights.items():
        assert 0 <= weights.size < 1e15
        for path in (name, *weights.files):
            _check_path(path)


def _check_path(name: Any) -> None:
    assert isinstance(name, str) and name and "\0" not in name
    assert not Path(name).is_absolute() and ".." not in Path(name).parts and Path(name).parts


KINDS = (
    Kind("params.yaml", settings, "params.yaml", _read_params, "yaml", _check_params),
    Kind("profile", settings, "profiles/mine.yaml", _read_profile, "yaml", _check_params),
    Kind("downloads.yaml", settings, "downloads.yaml", _read_pins, "yaml", check_pins),
)
