"""Generate the embedded benchmark in the formats of PASCAL3D+ and SPair-71k, with its truth beside it."""

from pipeline.base.exclusive import exclusive
from pipeline.simulation.generate import generate
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    with exclusive(workspace.lock("data")):
        counts = generate(workspace)
        print(f"data: {counts.models} CAD models, {counts.images} images, {counts.pairs} pairs")


if __name__ == "__main__":
    run_stage(main)
