"""Write the tables, the summary and the figures of all cells that are run."""

from pipeline.base.exclusive import exclusive
from pipeline.reporting.formats import to_markdown
from pipeline.reporting.report import write_report
from pipeline.tracking import recordings
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    with exclusive(workspace.lock("report")):
        for table in write_report(workspace):
            print(to_markdown(table))
        recordings.record(workspace, recordings.report(workspace))


if __name__ == "__main__":
    run_stage(main)
