"""Project the trained model of one cell onto each image of the pairs."""

from pipeline.base.exclusive import exclusive
from pipeline.model.saved import load_model
from pipeline.photographs.image_files import write_image
from pipeline.prediction.draw_sheet import draw_sheet
from pipeline.prediction.predict import predict_category
from pipeline.prediction.predictions import write_predictions
from pipeline.prediction.predictor import make_predictor
from pipeline.refinement.observer import read_observer
from stages.arguments import parse_cell, run_stage

SHEET_ROWS = 6
"""Number of photographs on the sheet of pictures."""


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    with exclusive(workspace.lock("predict", *cell)):
        refined = workspace.params.refine.enabled
        observer = read_observer(workspace, cell.backbone, cell.category) if refined else None
        predictor = make_predictor(load_model(workspace.model(cell)), workspace.params, observer)
        shown = workspace.evaluation_instances(cell.category)[:SHEET_ROWS]
        write_image(workspace.sheet(cell), draw_sheet(predictor, workspace, cell.backbone, shown))
        instances = workspace.paired_instances(cell.category)
        write_predictions(workspace.predictions(cell), predict_category(predictor, workspace, cell.backbone, instances))


if __name__ == "__main__":
    run_stage(main)
