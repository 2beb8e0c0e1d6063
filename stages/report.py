"""Write the tables, the summary and the figures of all cells that are run."""

from pipeline.reporting.formats import to_markdown
from pipeline.reporting.report import write_report
from pipeline.tracking.sync import record_report
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    for table in write_report(workspace):
        print(to_markdown(table))
    record_report(workspace)


if __name__ == "__main__":
    run_stage(main)
