"""Write the table, the summary and the pictures of all categories that are run."""

from pipeline.reporting.formats import to_markdown
from pipeline.reporting.report import write_report
from stages.arguments import parse_run, run_stage


def main() -> None:
    _, layout = parse_run(__doc__)
    print(to_markdown(write_report(layout)))


if __name__ == "__main__":
    run_stage(main)
