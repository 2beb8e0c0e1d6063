"""Train the deformable model of one cell."""

from pipeline.config.parsing import to_dict
from pipeline.model.saved import save_model
from pipeline.tracking.tracker import Record, Tracker
from pipeline.training.checkpoint import remove_checkpoints
from pipeline.training.curve import write_curve
from pipeline.training.device import configure_torch, training_device
from pipeline.training.exclusive import exclusive
from pipeline.training.job import TrainingJob
from pipeline.training.loading import load_training_set
from pipeline.training.trainer import train
from stages.arguments import parse_cell, run_stage


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    params = workspace.params
    device = training_device(params.training.device)
    configure_torch(device, params.training)
    job = TrainingJob(params, load_training_set(workspace, cell.backbone, cell.category), cell.seed, device)
    identity = job.identity()
    config = {name: to_dict(getattr(params, name)) for name in ("model", "loss", "training")}
    record = Record("training", "train", cell._asdict(), config, identity)
    checkpoints = workspace.checkpoints(cell)
    with exclusive(checkpoints), Tracker(record, params.tracking.experiment, workspace.root) as tracker:
        result = train(
            job,
            checkpoints,
            workspace.shared_checkpoints,
            report=lambda row: tracker.metrics(row, step=int(row["step"])),
            description=f"{cell.name}: training",
        )
        folder = workspace.model(cell)
        description = {**cell._asdict(), "images": len(job.data.names), "identity": identity, "config": config}
        save_model(folder, result.model, description)
        write_curve(folder / "curve.csv", result.curve)
        tracker.artifact(folder)
    remove_checkpoints(checkpoints)


if __name__ == "__main__":
    run_stage(main)
