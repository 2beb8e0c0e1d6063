"""Check every input and output against its recorded hash; exit code 1 if one is damaged. Not a stage."""

from pipeline.verification.report import in_lines
from pipeline.verification.verify import verify
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    report = verify(workspace)
    print("\n".join(in_lines(report, workspace.root)))
    if report.findings.damaged:
        raise SystemExit(1)


if __name__ == "__main__":
    run_stage(main)
