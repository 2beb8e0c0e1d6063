"""The tables' rows in the paper's words and order, and which of the data behind a row are simulated."""

from dataclasses import replace
from typing import NamedTuple

from pipeline.evaluation.result import Metrics, Switches

SIMULATED = "simulated"
"""Backend that derives its output from the truth of the embedded benchmark."""
KINDS = ("photographs", "masks", "depth", "poses", "features")
"""Kinds of data that a row may rest on, each of which may be simulated."""
BACKBONES = {"dinov2": "DINOv2", "dino": "DINO", "sift": "SIFT"}
"""Backbones as the tables call them; one that is not here has its own name."""
FEATURE_ROWS = ("nearest_neighbour", "pca_nearest_neighbour")
"""Rows of the paper's Table 1 that need no training: nearest neighbours of the features."""


class NamedRow(NamedTuple):
    """A row of Table 1 that needs a training."""

    title: str
    switches: Switches
    """The parts of the method that the row of this title has."""


_MAGICPONY = Switches(depth=False, pose=False, index_embedding=False, feature_consistency=False, reading="projection")
_OURS = Switches(depth=True, pose=True, index_embedding=True, feature_consistency=True, reading="search")
PAPER_ROWS = {
    "mp": NamedRow("MP", _MAGICPONY),
    "mp_depth": NamedRow("MP + Depth", replace(_MAGICPONY, depth=True)),
    "mp_pose": NamedRow("MP + Pose", replace(_MAGICPONY, depth=True, pose=True)),
    "ours": NamedRow("Ours", _OURS),
    "wo_index": NamedRow("w/o ind. emb.", replace(_OURS, index_embedding=False)),
    "wo_feat_cons": NamedRow("w/o feat. cons.", replace(_OURS, feature_consistency=False)),
    "wo_both": NamedRow("w/o 3.2 (both)", replace(_OURS, index_embedding=False, feature_consistency=False)),
    "wo_depth": NamedRow("w/o depth", replace(_OURS, depth=False)),
    "wo_pose": NamedRow("w/o pose", replace(_OURS, pose=False)),
}
"""Rows by variant; 'MP + Pose' has depth too, as the paper adds the one to the other."""
_MAGICPONY_REFINED = replace(PAPER_ROWS["mp_pose"].switches, reading="guided", refined_labels=True, refined_poses=True)
BEYOND_ROWS = {
    "mp_pose_refined": NamedRow("MP + Pose + refinement", _MAGICPONY_REFINED),
    "ours_refined": NamedRow(
        "Ours + refinement", replace(_OURS, reading="guided", refined_labels=True, refined_poses=True)
    ),
}
"""Rows by variant that the paper does not have: poses are found by render-and-compare, matches by a guided search."""
ORDER = (
    *("mp", "mp_depth", "mp_pose"),
    *FEATURE_ROWS,
    *("ours", "wo_index", "wo_feat_cons", "wo_both", "wo_depth", "wo_pose"),
)
"""Rows of the paper's Table 1 from top to bottom."""
REFERENCE = "ours"
"""The row that the others are compared with."""


def row_order(names: list[str]) -> list[str]:
    """Sort `names` by the paper's order; rows that the paper lacks come last, those of one's own in their own order."""
    known = (*ORDER, *BEYOND_ROWS)
    return [*(name for name in known if name in names), *(name for name in names if name not in known)]


def beyond_paper(name: str) -> bool:
    """Whether a row stands below those of the paper, which has no such row."""
    return name not in ORDER


def row_title(name: str, metrics: Metrics) -> str:
    """The row's name in the paper's words, with '(simulated)' where something behind it is."""
    title = short_title(name, metrics)
    return f"{title} (simulated)" if simulated(name, metrics) else title


def short_title(name: str, metrics: Metrics) -> str:
    """The row's name in the paper's words, for places that say themselves what is simulated.

    A variant whose switches differ from those of the row that bears its title is marked as changed.
    """
    if metrics.trained is None:
        backbone = backbone_title(metrics)
        title = backbone if name == "nearest_neighbour" else f"{backbone} PCA"
    elif known := (PAPER_ROWS | BEYOND_ROWS).get(name):
        title = known.title + (" [changed]" if metrics.trained.switches != known.switches else "")
    else:
        title = name
    return title


def backbone_title(metrics: Metrics) -> str:
    """The source of the features, as the tables call it."""
    if metrics.settings.backends.features == "sift":
        return BACKBONES["sift"]
    return BACKBONES.get(metrics.backbone, metrics.backbone)


def simulated(name: str, metrics: Metrics) -> tuple[str, ...]:
    """The `KINDS` of data that the row rests on and that are simulated."""
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
