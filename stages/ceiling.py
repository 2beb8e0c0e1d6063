"""Print what true shapes and true poses would be worth to a predicted cell. Not a stage: run it at any time."""

from pipeline.correspondence import read_projections
from pipeline.data.cad import cad_path, read_cad
from pipeline.data.instances import read_instances, read_pairs_file
from pipeline.evaluation.ceiling import ceiling
from stages.arguments import parse_cell, run_stage


def main() -> None:
    params, layout, cell = parse_cell(__doc__)
    predicted = read_projections(layout.predictions(cell) / "projections.safetensors").projections
    rotations = {name: projection.rotation.double().numpy() for name, projection in predicted.items()}
    instances = [item for item in read_instances(layout.instances(cell.category)) if item.split != "train"]
    models, listed = read_cad(cad_path(layout.pascal3d, cell.category)), read_pairs_file(layout.pairs(cell.category))
    print(f"{cell.name}: PCK by projection on {len(listed.pairs)} pairs")
    for poses, rotation in (("annotated", None), ("predicted", rotations)):
        for shape, deformed in (("rigid", False), ("deformed", True)):
            found = ceiling(instances, models, listed, params, deformed, rotation)
            scores = ", ".join(f"{100 * value:.1f} at {alpha:g}" for alpha, value in found.pck.items())
            print(f"  {poses} poses, {shape} CAD model, {found.pairs} pairs: {scores}")


if __name__ == "__main__":
    run_stage(main)
