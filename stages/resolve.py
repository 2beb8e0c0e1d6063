"""Write the parameters of each cell: the base, then its variant, then its backbone."""

from pipeline.configurations import write_configurations
from stages.arguments import parse_run, run_stage


def main() -> None:
    params, layout = parse_run(__doc__)
    cells = write_configurations(params, layout)
    print(f"resolve: {len(cells)} cells -> {layout.configurations}")


if __name__ == "__main__":
    run_stage(main)
