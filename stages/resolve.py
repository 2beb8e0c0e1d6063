"""Write the parameters of each cell: the base, then its variant, then its backbone."""

from pipeline.base.exclusive import exclusive
from pipeline.config.cell_files import write_cell_files
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    with exclusive(workspace.lock("resolve")):
        cells = write_cell_files(workspace)
        print(f"resolve: {len(cells)} cells -> {workspace.cell_files}")


if __name__ == "__main__":
    run_stage(main)
