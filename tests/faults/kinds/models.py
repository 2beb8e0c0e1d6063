"""Models, predictions, checkpoints, and files of pretrained networks."""

import hashlib
import json
from pathlib import Path
from typing import Any

from faults.kind import Kind, Skipped, file_kind
from faults.kinds.signed import own

FAILED = "failed_step.safetensors"
IDENTITY = "0123"
"""Identity of the training whose checkpoints are read."""


def trained(root: Path) -> None:
    """A tiny model, its predictions of one image, and a checkpoint of it."""
    import torch

    from pipeline.model.saved import save_model
    from pipeline.prediction.predictions import Prediction, Predictions, write_predictions
    from pipeline.prediction.projection import Projection
    from pipeline.training.checkpoint import Checkpoint, pack
    from pipeline.training.checkpoint_files import CheckpointFiles
    from support.models import model_of

    torch.manual_seed(0)
    model = model_of()
    save_model(root / "model", model, {"variant": "ours", "backbone": "dinov2", "category": "car", "seed": 0})
    points, faces = torch.rand(5, 3), torch.tensor([[0, 1, 2], [2, 3, 4]])
    projection = Projection(torch.rand(5, 2), torch.ones(5).bool(), torch.eye(3))
    seen = Prediction(projection, points, points.clip(0, 1), torch.eye(8).bool(), torch.tensor([0.5, 0.1]))
    predictions = Predictions(points, faces, points, torch.rand(5, 4), {"a": seen, "b": seen})
    write_predictions(root / "predictions", predictions)
    files, state = CheckpointFiles(root / "checkpoints", IDENTITY), model.state_dict()
    for step in (1, 2):
        saved = Checkpoint(step, state, {"moment": torch.ones(3)}, {"average": torch.rand(4)}, [[0.0, 1.0]], None)
        files.save(step, pack(saved))


def failed(root: Path) -> None:
    """The file of a training step."""
    from pipeline.training.failed_step import describe_step, write_failed_step
    from pipeline.training.job import TrainingJob
    from pipeline.training.run import TrainingRun
    from support.tiny import tiny_params, tiny_set

    params = tiny_params()
    run = TrainingRun(TrainingJob(params, tiny_set(params), 0))
    write_failed_step(root / FAILED, describe_step(run))


def read_failed(root: Path) -> Any:
    from pipeline.training.failed_step import read_failed_step

    return read_failed_step(root / FAILED)


def networks(root: Path) -> None:
    """Tiny networks in the layout of the released ones."""
    from support.orient_anything_tiny import random_state, write_checkpoint
    from support.tiny_networks import write_tiny_dinov2

    write_tiny_dinov2(root / "dinov2")
    path = write_checkpoint(root / "orient", random_state())
    path.rename(root / "orient.pt")
    path.with_name("config.json").rename(root / "config.json")


def read_checkpoint(root: Path) -> Any:
    """The newest checkpoint, or that before it where the newest is damaged."""
    from pipeline.training.checkpoint_files import CheckpointFiles

    found = CheckpointFiles(root / "checkpoints", IDENTITY).newest()
    if found.checkpoint is None or found.checkpoint.step != 2:
        assert found.checkpoint is not None and found.checkpoint.step == 1, "the checkpoint before it is whole"
        raise Skipped(f"damaged: {found.damaged}")
    return found.checkpoint


def sign_checkpoint(root: Path) -> None:
    content = (root / "checkpoints" / f"{IDENTITY}-2.safetensors").read_bytes()
    manifest = {"sha256": hashlib.sha256(content).hexdigest(), "step": 2}
    (root / "checkpoints" / f"{IDENTITY}-2.json").write_text(json.dumps(manifest))


def read_model(path: Path) -> dict[str, Any]:
    from pipeline.model.saved import load_model

    return dict(load_model(path.parent).state_dict())


def check_tensors(tensors: dict[str, Any]) -> None:
    for tensor in tensors.values():
        assert not tensor.is_floating_point() or tensor.isfinite().all()


def read_projections(path: Path) -> Any:
    from pipeline.prediction.predictions import read_predictions

    return read_predictions(path.parent)


def check_predictions(found: Any) -> None:
    vertices = len(found.template)
    assert not len(found.faces) or (found.faces.min() >= 0 and found.faces.max() < vertices)
    assert found.positions.shape[1] == 3 and len(found.vertex_features) == len(found.positions)
    for projection, deformed, albedo, silhouette, pose_score in found.images.values():
        assert albedo.shape == deformed.shape
        assert len(deformed) == vertices and len(projection.vertices) == len(found.positions)
        assert projection.rotation.shape == (3, 3) and silhouette.ndim == 2 and pose_score.shape == (2,)


def read_dinov2(root: Path) -> dict[str, Any]:
    import torch

    from pipeline.pretrained.loading import load_network

    network = load_network(root / "dinov2", {"dinov2": "Dinov2Model"}, torch.device("cpu"))
    return dict(network.state_dict())


def read_orient(root: Path) -> dict[str, Any]:
    from pipeline.labels.poses.orient_anything.checkpoint import load_network

    return dict(load_network(root / "orient.pt").state_dict())


def check_plausible(path: Path) -> None:
    from pipeline.downloads.plausible import check_weights_file

    check_weights_file(path)


KINDS: tuple[Kind, ...] = (
    *own("model weights", trained, "model/model.safetensors", read_model, check=check_tensors),
    *own("model description", trained, "model/model.json", read_model, "json", check_tensors),
    *own("predictions", trained, "predictions/predictions.safetensors", read_projections, check=check_predictions),
    Kind("checkpoint", trained, f"checkpoints/{IDENTITY}-2.safetensors", read_checkpoint, exact=True),
    Kind("checkpoint's manifest", trained, f"checkpoints/{IDENTITY}-2.json", read_checkpoint, "json", exact=True),
    Kind(
        "checkpoint, a stranger's",
        trained,
        f"checkpoints/{IDENTITY}-2.safetensors",
        read_checkpoint,
        prepare=sign_checkpoint,
    ),
    # The hashes of pretrained networks are compared before they are read; these were never pinned.
    Kind("network weights", networks, "dinov2/model.safetensors", read_dinov2, names=("dinov2",)),
    Kind("network configuration", networks, "dinov2/config.json", read_dinov2, "json", names=("dinov2",)),
    Kind("Orient Anything checkpoint", networks, "orient.pt", read_orient),
    Kind("Orient Anything sizes", networks, "config.json", read_orient, "json", names=("orient.pt",)),
    Kind("failed training step", failed, FAILED, read_failed, exact=True),
    file_kind("fetched weights", networks, "dinov2/model.safetensors", check_plausible),
    file_kind("fetched configuration", networks, "dinov2/config.json", check_plausible, "json"),
    file_kind("fetched checkpoint", networks, "orient.pt", check_plausible),
)
