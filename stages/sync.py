"""Add to MLflow the trainings and evaluations that DVC restored from its cache. Not a stage: run it at any time."""

from pipeline.tracking.sync import sync
from stages.arguments import parse_run, run_stage


def main() -> None:
    workspace = parse_run(__doc__)
    outcomes = sync(workspace)
    recorded = [outcome.name for outcome in outcomes if outcome.recorded]
    print(f"sync: {len(recorded)} of {len(outcomes)} cells added to MLflow{': ' * bool(recorded)}{', '.join(recorded)}")


if __name__ == "__main__":
    run_stage(main)
