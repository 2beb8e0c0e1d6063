"""Scoring of the feature baselines of one category (SEMAGIC section 4.2)."""

from pipeline.config.workspace import Workspace
from pipeline.evaluation.consistency import measure_consistency
from pipeline.evaluation.result import Evaluation
from pipeline.evaluation.scoring import match_pairs, score_matches, without_keypoints
from pipeline.labels.components.pca import read_pca
from pipeline.matching.methods import select_baselines
from pipeline.photographs.lists import read_pairs


def evaluate_baselines(workspace: Workspace, backbone: str, category: str) -> Evaluation:
    """Match and score the evaluated pairs by nearest neighbours of the features: `evaluation.baselines`.

    Where no keypoints are annotated, it is measured how matches hold together instead.

    Args:
        workspace: with the parameters of the backbone.

    Raises:
        InputError: an input is missing, a baseline is unknown, or no pair is left.
    """
    methods = select_baselines(workspace.params.evaluation.baselines)
    pca = read_pca(workspace.pca(backbone, category)) if "pca_nearest_neighbour" in methods else None
    listed = read_pairs(workspace.pairs(category))
    if not listed.pairs:
        components = pca or read_pca(workspace.pca(backbone, category))
        consistency = measure_consistency(workspace, backbone, category, methods, components)
        return without_keypoints(workspace.params, backbone, listed, consistency)
    return score_matches(workspace.params, backbone, match_pairs(workspace, backbone, listed, methods, pca))
