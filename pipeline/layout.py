"""Where every file of a run lies, relative to the folder that holds its `params.yaml`."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.cells import Cell
from pipeline.params import Params


@dataclass(frozen=True)
class Layout:
    """Paths of one run; nothing else in the project builds them."""

    root: Path
    params: Params

    @property
    def pascal3d(self) -> Path:
        return self.root / self.params.data.pascal3d

    @property
    def spair(self) -> Path:
        return self.root / self.params.data.spair

    @property
    def pins(self) -> Path:
        """What may be downloaded, with hashes."""
        return self.root / "downloads.yaml"

    @property
    def downloads(self) -> Path:
        """Archives of releases."""
        return self.root / self.params.fetch.downloads

    @property
    def releases(self) -> Path:
        """Unpacked releases, each in the folder of its name in downloads.yaml."""
        return self.root / "releases"

    @property
    def weights(self) -> Path:
        """Weights of foundation models, each in the folder of its name in downloads.yaml."""
        return self.root / self.params.pretrained.weights

    def instances(self, category: str) -> Path:
        """Table of the training and evaluation instances."""
        return self.root / "instances" / category / "instances.parquet"

    def pairs(self, category: str) -> Path:
        """Evaluated pairs, as JSON."""
        return self.root / "instances" / category / "pairs.json"

    def masks(self, category: str) -> Path:
        return self.root / "labels" / "masks" / category

    def depth(self, category: str) -> Path:
        return self.root / "labels" / "depth" / category

    def poses(self, category: str) -> Path:
        return self.root / "labels" / "poses" / category

    def features(self, backbone: str, category: str) -> Path:
        return self.root / "features" / backbone / category

    def pca(self, backbone: str, category: str) -> Path:
        return self.root / "features" / backbone / f"{category}_pca.safetensors"

    def baselines(self, backbone: str, category: str) -> Path:
        """Scores of matching the features themselves."""
        return self.root / "baselines" / backbone / category

    @property
    def configurations(self) -> Path:
        """Folder of the cells' resolved parameters."""
        return self.root / "cells"

    def configuration(self, cell: Cell) -> Path:
        """The parameters that one cell depends on."""
        return self.configurations / f"{cell.name}.yaml"

    def model(self, cell: Cell) -> Path:
        """Folder with weights, configuration and loss curves."""
        return self._of("models", cell)

    def checkpoints(self, cell: Cell) -> Path:
        """Unfinished trainings; DVC does not know this folder and so does not delete it."""
        return self._of(".checkpoints", cell)

    def unfinished(self, folder: Path) -> Path:
        """Where the files of `folder` wait until all are there; DVC does not know it and so does not delete it."""
        return self.root / ".checkpoints" / folder.relative_to(self.root)

    @property
    def shared_checkpoints(self) -> Path:
        """States of trainings at the end of the first phase, for the cells that have it in common."""
        return self.root / ".checkpoints" / "first_phase"

    def predictions(self, cell: Cell) -> Path:
        return self._of("predictions", cell)

    def evaluation(self, cell: Cell) -> Path:
        return self._of("evaluation", cell)

    def reconstruction(self, cell: Cell) -> Path:
        return self._of("reconstruction", cell)

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def figures(self) -> Path:
        return self.reports / "figures"

    def _of(self, kind: str, cell: Cell) -> Path:
        return self.root / kind / cell.variant / cell.backbone / cell.category / str(cell.seed)
