"""Where every file of a run lies, and which instances it is about."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.config.categories import check_category
from pipeline.config.cells import Cell
from pipeline.config.params import Params
from pipeline.photographs.lists import read_instances
from pipeline.photographs.records import Instance


@dataclass(frozen=True)
class Workspace:
    """The folder of one run, with the parameters of that run; nothing else in the project builds its paths."""

    root: Path
    """Folder that holds `params.yaml`."""
    params: Params
    """The parameters in force: those of the file, of a backbone, or of a cell."""

    @property
    def pascal3d(self) -> Path:
        """Root of PASCAL3D+."""
        return self.root / self.params.data.pascal3d

    @property
    def spair(self) -> Path:
        """Root of SPair-71k."""
        return self.root / self.params.data.spair

    @property
    def photographs_csv(self) -> Path:
        """Table of photographs of one's own, which the dataset reader `folder` and the label backends `given` read."""
        return self.root / self.params.data.folder / "photographs.csv"

    @property
    def pins(self) -> Path:
        """The file that says what may be downloaded, with hashes."""
        return self.root / "downloads.yaml"

    @property
    def downloads(self) -> Path:
        """Folder of the releases' archives."""
        return self.root / self.params.fetch.downloads

    @property
    def releases(self) -> Path:
        """Folder of the unpacked releases, each in a folder that is named as in downloads.yaml."""
        return self.root / "releases"

    @property
    def weights(self) -> Path:
        """Folder of the foundation models' weights, each model in a folder that is named as in downloads.yaml."""
        return self.root / self.params.pretrained.weights

    def check_category(self, name: str) -> str:
        """Return `name` if the dataset reader may know such a category.

        Raises:
            InputError: the name is unknown, or cannot name a folder.
        """
        return check_category(name, self.params.data.reader)

    def photograph(self, instance: Instance) -> Path:
        """The photograph that shows an instance."""
        return self.root / instance.image

    def instances(self, category: str) -> Path:
        """Table of the training and evaluation instances of a category."""
        return self.root / "instances" / category / "instances.parquet"

    def pairs(self, category: str) -> Path:
        """List of the evaluated pairs of a category, as JSON."""
        return self.root / "instances" / category / "pairs.json"

    def calibration_pairs(self, category: str) -> Path:
        """List of the pairs that teach how far matches of a category can be trusted, as JSON."""
        return self.root / "instances" / category / "calibration_pairs.json"

    def instances_summary(self, category: str) -> Path:
        """Counts of what each rule of selection left, as JSON."""
        return self.root / "instances" / category / "summary.json"

    def training_instances(self, category: str) -> list[Instance]:
        """The instances that a category's model learns from, in the order of their names.

        Raises:
            InputError: the table of instances is missing or damaged.
        """
        return [instance for instance in read_instances(self.instances(category)) if instance.training]

    def evaluation_instances(self, category: str) -> list[Instance]:
        """The instances in the evaluated pairs of a category, in the order of their names.

        Raises:
            InputError: the table of instances is missing or damaged.
        """
        split = self.params.data.evaluation_split
        return [instance for instance in read_instances(self.instances(category)) if instance.split == split]

    def paired_instances(self, category: str) -> list[Instance]:
        """The instances in the evaluated pairs of a category, then those in its calibration pairs.

        Raises:
            InputError: the table of instances is missing or damaged.
        """
        return [instance for instance in read_instances(self.instances(category)) if not instance.training]

    def masks(self, category: str) -> Path:
        """Folder of a category's mask labels."""
        return self.root / "labels" / "masks" / category

    def mask(self, instance: Instance) -> Path:
        """Mask label of an instance."""
        return self.masks(instance.category) / f"{instance.name}.png"

    def depth(self, category: str) -> Path:
        """Folder of a category's depth labels."""
        return self.root / "labels" / "depth" / category

    def disparity(self, instance: Instance) -> Path:
        """Depth label of an instance."""
        return self.depth(instance.category) / f"{instance.name}.npy"

    def poses(self, category: str) -> Path:
        """Folder of a category's pose labels."""
        return self.root / "labels" / "poses" / category

    def pose(self, instance: Instance) -> Path:
        """Pose label of an instance."""
        return self.poses(instance.category) / f"{instance.name}.json"

    def features(self, backbone: str, category: str) -> Path:
        """Folder of a category's patch features by one backbone."""
        return self.root / "features" / backbone / category

    def tokens(self, backbone: str, instance: Instance) -> Path:
        """Patch features of an instance's crop."""
        return self.features(backbone, instance.category) / f"{instance.name}.npz"

    def pca(self, backbone: str, category: str) -> Path:
        """Principal components of a category's patch features."""
        return self.root / "components" / backbone / category / "pca.safetensors"

    def foreground(self, backbone: str, category: str) -> Path:
        """What tells patches on the object from those beside it, by their features."""
        return self.pca(backbone, category).with_name("foreground.safetensors")

    def baselines(self, backbone: str, category: str) -> Path:
        """Folder with the scores of matching the features themselves."""
        return self.root / "baselines" / backbone / category

    @property
    def cell_files(self) -> Path:
        """Folder of the cells' resolved parameters."""
        return self.root / "cells"

    def cell_file(self, cell: Cell) -> Path:
        """The parameters that one cell depends on."""
        return self.cell_files / f"{cell.name}.yaml"

    def calibration(self, cell: Cell) -> Path:
        """What probabilities of a cell's matches are computed from, as JSON."""
        return self.evaluation(cell) / "calibration.json"

    def model(self, cell: Cell) -> Path:
        """Folder with a cell's weights, description and loss curve."""
        return self._of("models", cell)

    def curve(self, cell: Cell) -> Path:
        """Loss curve of a cell's training."""
        return self.model(cell) / "curve.csv"

    def lock(self, stage: str, *cell: str | int) -> Path:
        """Lock that a stage holds while it writes the outputs of one cell, given the cell's dimensions."""
        return self.root / ".checkpoints" / "locks" / "-".join(map(str, (stage, *cell)))

    def checkpoints(self, cell: Cell) -> Path:
        """Folder of a cell's unfinished training; DVC does not know it and so does not delete it."""
        return self._of(".checkpoints", cell)

    def unfinished(self, folder: Path) -> Path:
        """Where the files of `folder` wait until all are there; DVC does not know it and so does not delete it."""
        return self.root / ".checkpoints" / folder.relative_to(self.root)

    @property
    def shared_checkpoints(self) -> Path:
        """Folder of the states at the end of the first phase, for the cells that have it in common."""
        return self.root / ".checkpoints" / "first_phase"

    def predictions(self, cell: Cell) -> Path:
        """Folder with the meshes that a cell predicts, projected and not, and pictures of them."""
        return self._of("predictions", cell)

    def sheet(self, cell: Cell) -> Path:
        """Pictures of a cell's template and of some of its predictions."""
        return self.predictions(cell) / "sheet.png"

    def evaluation(self, cell: Cell) -> Path:
        """Folder with a cell's scores."""
        return self._of("evaluation", cell)

    def reconstruction(self, cell: Cell) -> Path:
        """Folder with a cell's distances to CAD models."""
        return self._of("reconstruction", cell)

    @property
    def reports(self) -> Path:
        """Folder of the tables."""
        return self.root / "reports"

    @property
    def overview(self) -> Path:
        """The page that shows the tables and leads to the categories' pages."""
        return self.reports / "index.html"

    @property
    def pages(self) -> Path:
        """Folder of the categories' pages."""
        return self.reports / "pages"

    def page(self, category: str) -> Path:
        """The page on which a category's photographs are clicked."""
        return self.pages / f"{category}.html"

    @property
    def figures(self) -> Path:
        """Folder of the report's pictures."""
        return self.reports / "figures"

    def _of(self, kind: str, cell: Cell) -> Path:
        return self.root / kind / cell.variant / cell.backbone / cell.category / str(cell.seed)
