"""Time of the predicted pose of an image: by the head alone, and refined by render-and-compare."""

from functools import partial
from typing import NamedTuple

from benchmarks.machine import gpu_obstacle, synchronise
from benchmarks.parts import Setting
from benchmarks.rasterizer import torch_threads
from benchmarks.table import Table
from benchmarks.timing import interleaved
from benchmarks.world import CATEGORY, shared_world, training_set
from pipeline.config.workspace import Workspace
from pipeline.model.view import View
from pipeline.prediction.predictor import Predictor
from pipeline.refinement.observer import read_observer
from pipeline.refinement.refiner import PoseRefiner
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.run import new_model

BATCHES = {"cpu": 1, "cuda": 64}
"""Number of images at once, by the kind of the device: the stage `predict` takes one after the other on a CPU."""


class PredictionRow(NamedTuple):
    """Milliseconds for each image."""

    device: str
    batch: int
    poses: int
    """Number of poses that the refinement tries for each image."""
    head_ms: float
    refined_ms: float
    refined_low_ms: float
    refined_high_ms: float


def measure_prediction(setting: Setting) -> tuple[Table, ...]:
    """Measure an untrained model of the shipped size, whose template is a sphere."""
    workspace = shared_world(setting)
    usable = ["cpu"] if gpu_obstacle() else ["cpu", "cuda"]
    with torch_threads(1):
        rows = [_row(device, workspace, setting.quick) for device in usable]
    return (Table("Poses of images", rows),)


def _row(device: str, workspace: Workspace, quick: bool) -> PredictionRow:
    params, backbone = workspace.params, workspace.params.backbones[0]
    data = training_set(workspace, params)
    model = new_model(params, data.to(device), seed=0).eval()
    view = View(make_rasterizer("auto", device), model.params.pose, params.data.crop_margin, data.tokens.shape[2])
    observer = read_observer(workspace, backbone, CATEGORY)
    refiner = PoseRefiner(model, model.template(), view, params.refine)
    predictors = {
        "head": Predictor(model, view, params.correspondence),
        "refined": Predictor(model, view, params.correspondence, (refiner, observer)),
    }
    batch = min(BATCHES[device], len(data.names))
    tokens = data.tokens[:batch, 0].to(device)
    actions = {name: partial(predictor.reconstruct, tokens) for name, predictor in predictors.items()}
    found = interleaved(actions, 1 if quick else 15, synchronise=synchronise)
    head, refined = (found[name].summary() for name in ("head", "refined"))
    times = (time / batch for time in (head.median, refined.median, refined.low, refined.high))
    return PredictionRow(device, batch, refiner.poses, *times)
