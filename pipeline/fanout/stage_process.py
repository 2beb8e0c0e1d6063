"""One stage of dvc.yaml in a process of its own: `python -m pipeline.fanout.stage_process STAGE`.

The process is DVC, and ends with everything that it started when the process that called it ends.
"""

import sys

from pipeline.base.tether import end_group, tethered


def main(stage: str) -> int:
    """Run one stage if it is not up to date, and return DVC's exit code.

    Without `--wait-for-lock`, a stage that has run may not be recorded. Without `--single-item`, stages that need the
    same stage block each other.
    """
    from dvc.cli import main as dvc

    with tethered(end_group):
        return dvc(["--wait-for-lock", "repro", "--single-item", stage])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
