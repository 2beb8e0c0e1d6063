"""List the training images and the evaluated pairs of one category."""

from pipeline.base.exclusive import exclusive
from pipeline.data.paper_rules import select
from pipeline.data.selection import describe, write_selection
from pipeline.tracking import recordings
from stages.arguments import parse_category, run_stage


def main() -> None:
    workspace, category = parse_category(__doc__)
    with exclusive(workspace.lock("instances", category)):
        selection = select(workspace, category)
        write_selection(workspace, selection)
        recordings.record(workspace, recordings.instances(workspace, category))
        print(describe(selection))


if __name__ == "__main__":
    run_stage(main)
