"""Train the deformable model of one category."""

import torch

from pipeline.params import to_dict
from pipeline.tracking import Cell, Tracker
from pipeline.training.checkpoint import remove_checkpoints
from pipeline.training.curve import write_curve
from pipeline.training.exclusive import exclusive
from pipeline.training.loading import load_training_set
from pipeline.training.saved_model import save_model
from pipeline.training.trainer import train, training_identity
from stages.arguments import parse_cell, run_stage


def main() -> None:
    params, layout, category = parse_cell(__doc__)
    torch.use_deterministic_algorithms(True)
    # PyTorch would also fill new memory, a few percent of a step. No operation or kernel here reads it unwritten.
    torch.utils.deterministic.fill_uninitialized_memory = False
    data = load_training_set(layout, category)
    identity = training_identity(params, data)
    config = {name: to_dict(getattr(params, name)) for name in ("model", "loss", "training")}
    cell = Cell("training", "train", category, params.training.seed, config, identity)
    checkpoints = layout.checkpoints(category)
    with exclusive(checkpoints), Tracker(cell, params.tracking.experiment, layout.root) as tracker:
        result = train(
            params,
            data,
            checkpoints,
            report=lambda row: tracker.metrics(row, step=int(row["step"])),
            description=f"{category}: training",
        )
        folder = layout.model(category)
        description = {"category": category, "images": len(data.names), "identity": identity, "config": config}
        save_model(folder, result.model, description)
        write_curve(folder / "curve.csv", result.curve)
        tracker.artifact(folder)
    remove_checkpoints(checkpoints)


if __name__ == "__main__":
    run_stage(main)
