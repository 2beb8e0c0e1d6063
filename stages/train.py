"""Train the deformable model of one cell."""

from pipeline.base.exclusive import exclusive
from pipeline.config.cells import Cell
from pipeline.config.parsing import to_dict
from pipeline.config.workspace import Workspace
from pipeline.model.saved import save_model
from pipeline.tracking.data_used import training_data
from pipeline.tracking.record import Record
from pipeline.tracking.tracker import Tracker
from pipeline.training.checkpoint_files import remove_checkpoints
from pipeline.training.curve import write_curve
from pipeline.training.device import configure_torch, training_device
from pipeline.training.job import TrainingJob
from pipeline.training.loading import load_training_set
from pipeline.training.trainer import train
from stages.arguments import parse_cell, run_stage


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    with exclusive(workspace.lock("train", *cell)):
        train_cell(workspace, cell)
        # The tracker keeps a file there until its run has ended.
        remove_checkpoints(workspace.checkpoints(cell))


def train_cell(workspace: Workspace, cell: Cell) -> None:
    """Train one cell, or go on with its training, and write its model and its loss curve."""
    params = workspace.params
    device = training_device(params.training.device)
    configure_torch(device, params.training)
    job = TrainingJob(params, load_training_set(workspace, cell.backbone, cell.category), cell.seed, device)
    identity = job.identity()
    config = {name: to_dict(getattr(params, name)) for name in ("model", "loss", "training")}
    record = Record("training", "train", cell._asdict(), config, identity, training_data(workspace, cell.category))
    checkpoints = workspace.checkpoints(cell)
    with Tracker(record, params.tracking.experiment, workspace.root, checkpoints=checkpoints) as tracker:
        result = train(
            job,
            checkpoints,
            workspace.shared_checkpoints,
            report=lambda row: tracker.metrics(row, step=int(row["step"])),
            description=f"{cell.name}: training",
        )
        folder, setback = workspace.model(cell), result.setback and result.setback._asdict()
        described = {**cell._asdict(), "images": len(job.data.names), "identity": identity, "config": config}
        write_curve(folder / "curve.csv", result.curve, result.setback)
        save_model(folder, result.model, described | {"setback": setback, "machines": result.machines})
        tracker.artifact(folder)


if __name__ == "__main__":
    run_stage(main)
