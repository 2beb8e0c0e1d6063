"""Project the trained model of one cell onto each evaluated image."""

from pipeline.correspondence import Predictions, write_projections
from pipeline.data.instances import read_instances
from pipeline.images import write_image
from pipeline.predicted_meshes import PredictedMeshes, write_meshes
from pipeline.prediction import predict, template_points
from pipeline.render_sheet import draw_sheet
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.saved_model import load_model
from stages.arguments import parse_cell, run_stage

SHEET_ROWS = 6
"""Photographs on the sheet of pictures."""


def main() -> None:
    params, layout, cell = parse_cell(__doc__)
    model, rasterizer = load_model(layout.model(cell)), make_rasterizer()
    instances = [i for i in read_instances(layout.instances(cell.category)) if i.split != "train"]
    predicted = {i.name: p for i, p in predict(model, rasterizer, layout, cell.backbone, instances)}
    points, template = template_points(model, params.correspondence.subdivisions), model.template()
    folder = layout.predictions(cell)
    projections = {name: prediction.projection for name, prediction in predicted.items()}
    write_projections(folder / "projections.safetensors", Predictions(projections, *points))
    vertices = {name: prediction.vertices for name, prediction in predicted.items()}
    silhouettes = {name: prediction.silhouette for name, prediction in predicted.items()}
    meshes = PredictedMeshes(template.vertices, template.faces, vertices, silhouettes)
    write_meshes(folder / "meshes.safetensors", meshes)
    sheet = draw_sheet(model, rasterizer, layout, cell.backbone, instances[:SHEET_ROWS])
    write_image(folder / "sheet.png", sheet)


if __name__ == "__main__":
    run_stage(main)
