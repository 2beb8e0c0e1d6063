"""Scoring of one trained cell (SEMAGIC section 4.2)."""

from pipeline.config.cells import Cell
from pipeline.config.params import Params
from pipeline.config.workspace import Workspace
from pipeline.evaluation.confidence import calibrate, with_probabilities
from pipeline.evaluation.consistency import measure_consistency
from pipeline.evaluation.mesh_measures import measure_meshes
from pipeline.evaluation.result import Evaluation, Switches, Trained
from pipeline.evaluation.scoring import Matches, match_pairs, score_matches, without_keypoints
from pipeline.labels.components.pca import read_pca
from pipeline.matching.methods import MESH_METHODS
from pipeline.photographs.lists import PairList, read_pairs
from pipeline.prediction.predictions import read_predictions


def evaluate_cell(workspace: Workspace, cell: Cell) -> Evaluation:
    """Match and score the evaluated pairs by a trained model, in each way to read it, and measure its meshes.

    The probability of each match is learned from the calibration pairs, where there are any. Where no keypoints are
    annotated, it is measured how matches hold together instead.

    Args:
        workspace: with the parameters of the cell.

    Raises:
        InputError: an input is missing, or no pair is left.
    """
    params = workspace.params
    predictions = read_predictions(workspace.predictions(cell))
    pca = read_pca(workspace.pca(cell.backbone, cell.category))

    def match(pairs: PairList) -> Matches:
        return match_pairs(workspace, cell.backbone, pairs, MESH_METHODS, pca, predictions)

    listed = read_pairs(workspace.pairs(cell.category))
    trained = Trained(cell.variant, cell.seed, switches_of(params))
    if not listed.pairs:
        consistency = measure_consistency(workspace, cell.backbone, cell.category, MESH_METHODS, pca, predictions)
        mesh = measure_meshes(workspace, cell.category, None, predictions)
        return without_keypoints(params, cell.backbone, listed, consistency, trained, mesh)
    calibrations = {}
    taught = read_pairs(workspace.calibration_pairs(cell.category))
    if taught.pairs:
        calibrations = calibrate(match(taught).points)
    matches = match(listed)
    matches = matches._replace(points=with_probabilities(matches.points, calibrations))
    mesh = measure_meshes(workspace, cell.category, matches, predictions)
    return score_matches(params, cell.backbone, matches, trained, mesh, calibrations)


def switches_of(params: Params) -> Switches:
    """The parts of the method that a cell with these parameters has."""
    return Switches(
        depth=params.loss.depth > 0,
        pose=params.loss.pose > 0,
        index_embedding=params.model.deformation.index_embedding,
        feature_consistency=params.loss.feat_cons > 0,
        reading=params.correspondence.reading,
        refined_labels=params.training.label_refinement.step > 0,
        refined_poses=params.refine.enabled,
    )
