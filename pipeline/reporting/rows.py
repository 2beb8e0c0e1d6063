"""The tables' rows in the paper's words and order, and what of the data behind a row is simulated."""

from typing import NamedTuple

from pipeline.evaluation.result import Metrics, Switches

SIMULATED = "simulated"
"""Backend that derives its output from the truth of the embedded benchmark."""
KINDS = ("photographs", "masks", "depth", "poses", "features")
"""What a row rests on and may be simulated."""
BACKBONES = {"dinov2": "DINOv2", "dino": "DINO", "sift": "SIFT"}
"""Backbones as the tables call them; one that is not here has its own name."""
BASELINES = ("nearest_neighbour", "pca_nearest_neighbour")


class PaperRow(NamedTuple):
    """A row of the paper's Table 1 that needs a training."""

    title: str
    switches: Switches
    """What the paper's row has of the method."""


#                           depth  pose   index  consistency  search
PAPER_ROWS = {
    "mp": PaperRow("MP", Switches(False, False, False, False, False)),
    "mp_depth": PaperRow("MP + Depth", Switches(True, False, False, False, False)),
    "mp_pose": PaperRow("MP + Pose", Switches(True, True, False, False, False)),
    "ours": PaperRow("Ours", Switches(True, True, True, True, True)),
    "wo_index": PaperRow("w/o ind. emb.", Switches(True, True, False, True, True)),
    "wo_feat_cons": PaperRow("w/o feat. cons.", Switches(True, True, True, False, True)),
    "wo_both": PaperRow("w/o 3.2 (both)", Switches(True, True, False, False, True)),
    "wo_depth": PaperRow("w/o depth", Switches(False, True, True, True, True)),
    "wo_pose": PaperRow("w/o pose", Switches(True, False, True, True, True)),
}
"""By variant; 'MP + Pose' has depth too: the paper adds the one to the other."""
ORDER = ("mp", "mp_depth", "mp_pose", *BASELINES, "ours", "wo_index", "wo_feat_cons", "wo_both", "wo_depth", "wo_pose")
"""Rows of the paper's Table 1 from top to bottom."""
REFERENCE = "ours"
"""The row that the others are compared with."""


def row_order(names: list[str]) -> list[str]:
    """`names` in the paper's order; those that the paper lacks come last, as they stand."""
    return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]


def row_title(name: str, metrics: Metrics) -> str:
    """The row in the paper's words; '(simulated)' where something behind it is.

    A variant that does not switch what the paper's row of this name does is marked as changed.
    """
    if metrics.trained is None:
        backbone = backbone_title(metrics)
        title = backbone if name == "nearest_neighbour" else f"{backbone} PCA"
    elif name in PAPER_ROWS:
        paper = PAPER_ROWS[name]
        title = paper.title + (" [changed]" if metrics.trained.switches != paper.switches else "")
    else:
        title = name
    return f"{title} (simulated)" if simulated(name, metrics) else title


def backbone_title(metrics: Metrics) -> str:
    """Where the features came from, as the tables call it."""
    if metrics.settings.backends.features == "sift":
        return BACKBONES["sift"]
    return BACKBONES.get(metrics.backbone, metrics.backbone)


def simulated(name: str, metrics: Metrics) -> tuple[str, ...]:
    """What a row rests on and is simulated: photographs, labels, features."""
    settings, trained = metrics.settings, metrics.trained
    kinds = {"features"}
    if name != "nearest_neighbour" or settings.within_mask:
        # The principal components are fitted within the masks.
        kinds.add("masks")
    if trained is not None:
        kinds |= {"depth"} if trained.switches.depth else set()
        kinds |= {"poses"} if trained.switches.pose else set()
    kinds = {kind for kind in kinds if getattr(settings.backends, kind) == SIMULATED}
    kinds |= {"photographs"} if settings.generated else set()
    return tuple(kind for kind in KINDS if kind in kinds)
