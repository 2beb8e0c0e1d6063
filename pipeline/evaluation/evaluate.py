"""Scoring of one trained cell (SEMAGIC section 4.2)."""

from pipeline.cells import Cell
from pipeline.correspondence import read_projections
from pipeline.evaluation.mesh_measures import measure_meshes
from pipeline.evaluation.methods import MESH_METHODS
from pipeline.evaluation.result import Evaluation, Switches, Trained
from pipeline.evaluation.scoring import match_pairs, score_matches
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.pca import read_pca


def evaluate_cell(layout: Layout, cell: Cell) -> Evaluation:
    """Match and score the evaluated pairs by a trained model, with and without local search, and measure its meshes.

    Args:
        layout: with the parameters of the cell.

    Raises:
        InputError: an input is missing, or no pair is left.
    """
    params = layout.params
    predictions = read_projections(layout.predictions(cell) / "projections.safetensors")
    pca = read_pca(layout.pca(cell.backbone, cell.category))
    matches = match_pairs(layout, cell.backbone, cell.category, MESH_METHODS, pca, predictions)
    trained = Trained(cell.variant, cell.seed, switches_of(params))
    return score_matches(params, cell.backbone, matches, trained, measure_meshes(layout, cell, matches, predictions))


def switches_of(params: Params) -> Switches:
    """What a cell with these parameters has of the method."""
    return Switches(
        depth=params.loss.depth > 0,
        pose=params.loss.pose > 0,
        index_embedding=params.model.deformation.index_embedding,
        feature_consistency=params.loss.feat_cons > 0,
        search=params.correspondence.search,
    )
