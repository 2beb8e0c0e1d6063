"""Where every file of a run lies, relative to the folder that holds its `params.yaml`."""

from dataclasses import dataclass
from pathlib import Path

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
    def truth(self) -> Path:
        return self.root / self.params.data.truth

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

    def features(self, category: str) -> Path:
        return self.root / "features" / category

    def pca(self, category: str) -> Path:
        return self.root / "features" / f"{category}_pca.safetensors"

    def model(self, category: str) -> Path:
        """Folder with weights, configuration and loss curves."""
        return self.root / "models" / category

    def checkpoints(self, category: str) -> Path:
        """Unfinished trainings; DVC does not know this folder and so does not delete it."""
        return self.root / ".checkpoints" / category

    def predictions(self, category: str) -> Path:
        return self.root / "predictions" / category

    def evaluation(self, category: str) -> Path:
        return self.root / "evaluation" / category

    @property
    def reports(self) -> Path:
        return self.root / "reports"
