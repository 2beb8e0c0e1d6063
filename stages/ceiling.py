"""Print what true shapes and true poses would be worth to a predicted cell. Not a stage: run it at any time."""

from pipeline.data.cad import cad_path, read_cad
from pipeline.evaluation.ceiling import ceiling
from pipeline.photographs.tables import read_pairs_file
from pipeline.prediction.projections import read_projections
from stages.arguments import parse_cell, run_stage


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    predicted = read_projections(workspace.predictions(cell) / "projections.safetensors").projections
    rotations = {name: projection.rotation.double().numpy() for name, projection in predicted.items()}
    instances = workspace.evaluation_instances(cell.category)
    models, listed = (
        read_cad(cad_path(workspace.pascal3d, cell.category)),
        read_pairs_file(workspace.pairs(cell.category)),
    )
    print(f"{cell.name}: PCK by projection on {len(listed.pairs)} pairs")
    for poses, rotation in (("annotated", None), ("predicted", rotations)):
        for shape, deformed in (("rigid", False), ("deformed", True)):
            found = ceiling(instances, models, listed, workspace.params, deformed, rotation)
            scores = ", ".join(f"{100 * value:.1f} at {alpha:g}" for alpha, value in found.pck.items())
            print(f"  {poses} poses, {shape} CAD model, {found.pairs} pairs: {scores}")


if __name__ == "__main__":
    run_stage(main)
