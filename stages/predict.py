"""Project the trained model of one cell onto each evaluated image."""

from pipeline.model.saved import load_model
from pipeline.photographs.images import write_image
from pipeline.prediction.draw_sheet import draw_sheet
from pipeline.prediction.meshes import PredictedMeshes, write_meshes
from pipeline.prediction.predict import predict, template_points
from pipeline.prediction.projections import Predictions, write_projections
from pipeline.rendering.rasterizer import make_rasterizer
from stages.arguments import parse_cell, run_stage

SHEET_ROWS = 6
"""Photographs on the sheet of pictures."""


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    model, rasterizer = load_model(workspace.model(cell)), make_rasterizer()
    instances = workspace.evaluation_instances(cell.category)
    predicted = {i.name: p for i, p in predict(model, rasterizer, workspace, cell.backbone, instances)}
    points, template = template_points(model, workspace.params.correspondence.subdivisions), model.template()
    folder = workspace.predictions(cell)
    projections = {name: prediction.projection for name, prediction in predicted.items()}
    write_projections(folder / "projections.safetensors", Predictions(projections, *points))
    vertices = {name: prediction.vertices for name, prediction in predicted.items()}
    silhouettes = {name: prediction.silhouette for name, prediction in predicted.items()}
    meshes = PredictedMeshes(template.vertices, template.faces, vertices, silhouettes)
    write_meshes(folder / "meshes.safetensors", meshes)
    sheet = draw_sheet(model, rasterizer, workspace, cell.backbone, instances[:SHEET_ROWS])
    write_image(folder / "sheet.png", sheet)


if __name__ == "__main__":
    run_stage(main)
