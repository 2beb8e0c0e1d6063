"""Write the page that a run opens with: tables, claims, curves, and the way into each category."""

from pipeline.base.exclusive import exclusive
from pipeline.gallery.overview import write_overview
from pipeline.tracking import recordings
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    with exclusive(workspace.lock("overview")):
        write_overview(workspace)
        recordings.record(workspace, recordings.pages(workspace))
        print(f"overview: {workspace.overview}")


if __name__ == "__main__":
    run_stage(main)
