"""Scoring of the feature baselines of one category (SEMAGIC section 4.2)."""

from pipeline.evaluation.methods import select_baselines
from pipeline.evaluation.result import Evaluation
from pipeline.evaluation.scoring import match_pairs, score_matches
from pipeline.layout import Layout
from pipeline.pca import read_pca


def evaluate_baselines(layout: Layout, backbone: str, category: str) -> Evaluation:
    """Match and score the evaluated pairs by nearest neighbours of the features: `evaluation.baselines`.

    Args:
        layout: with the parameters of the backbone.

    Raises:
        InputError: an input is missing, a baseline is unknown, or no pair is left.
    """
    methods = select_baselines(layout.params.evaluation.baselines)
    pca = read_pca(layout.pca(backbone, category)) if "pca_nearest_neighbour" in methods else None
    return score_matches(layout.params, backbone, match_pairs(layout, backbone, category, methods, pca))
