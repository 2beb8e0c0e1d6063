"""Project the trained model of one category onto each evaluated image."""

from pipeline.correspondence import write_projections
from pipeline.data.instances import read_instances
from pipeline.images import write_image
from pipeline.prediction import predict, template_features
from pipeline.render_sheet import draw_sheet
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.saved_model import load_model
from stages.arguments import parse_cell, run_stage

SHEET_ROWS = 6
"""Photographs on the sheet of pictures."""


def main() -> None:
    _, layout, category = parse_cell(__doc__)
    model, rasterizer = load_model(layout.model(category)), make_rasterizer()
    instances = [i for i in read_instances(layout.instances(category)) if i.split != "train"]
    projections = predict(model, rasterizer, layout, category, instances)
    write_projections(
        layout.predictions(category) / "projections.safetensors",
        {instance.name: projection for instance, projection in projections},
        template_features(model, layout.params.correspondence.subdivisions),
    )
    sheet = draw_sheet(model, rasterizer, layout, category, instances[:SHEET_ROWS])
    write_image(layout.predictions(category) / "sheet.png", sheet)


if __name__ == "__main__":
    run_stage(main)
