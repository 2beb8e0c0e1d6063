"""Tokens on masks, and the stage that fits their components."""

import shutil

import numpy as np
import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.components.masked_tokens import foreground_tokens
from pipeline.labels.components.pca import fit_pca, read_pca
from pipeline.labels.features import read_tokens
from pipeline.labels.masks.label import label_masks
from stages import pca as pca_stage
from support.label_runs import label_features
from support.paths import ROOT


def test_foreground_tokens_are_training_tokens_on_masks(run: Workspace) -> None:
    label_masks(run, "car")
    label_features(run, "car")
    tokens = foreground_tokens(run, "dinov2", "car")
    both = np.concatenate(
        [read_tokens(run.features("dinov2", "car") / f"{n}.npz").tokens for n in ("train_a", "train_b")]
    )
    everything = {row.tobytes() for row in both.reshape(-1, both.shape[-1])}
    assert {row.tobytes() for row in tokens} <= everything
    # The ellipse covers pi / 4 of a box of 80 x 60 in a crop of 96 x 96.
    assert len(tokens) / len(everything) == pytest.approx(np.pi / 4 * 80 * 60 / 96**2, abs=0.08)
    (run.masks("car") / "train_b.png").unlink()
    write_checksums(run.masks("car"))
    assert len(foreground_tokens(run, "dinov2", "car")) == pytest.approx(len(tokens) / 2, abs=6)
    (run.masks("car") / "train_a.png").unlink()
    write_checksums(run.masks("car"))
    with pytest.raises(InputError, match="no training patch.*foreground_share"):
        foreground_tokens(run, "dinov2", "car")


def test_pca_stage_writes_fit_of_foreground(run: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "params.yaml", run.root)
    params = (run.root / "params.yaml").read_text()
    (run.root / "params.yaml").write_text(params.replace("  grid: 32", "  grid: 8"))
    monkeypatch.setattr("sys.argv", ["pca", "--category", "car", "--root", str(run.root)])
    label_masks(run, "car")
    label_features(run, "car")
    pca_stage.main()
    expected = fit_pca(foreground_tokens(run, "dinov2", "car"), 16)
    np.testing.assert_array_equal(read_pca(run.pca("dinov2", "car")).components, expected.components)
