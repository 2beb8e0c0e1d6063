"""`semagic sync`: results that DVC restored, added to MLflow."""

from pathlib import Path

from semagic.cli.options import Root


def sync(root: Root = Path()) -> None:
    """Add to MLflow what DVC restored from its cache.

    These are trainings, evaluations, comparisons with CAD models and tables. What MLflow has already stays as it is.
    """
    from pipeline.config.opening import open_workspace
    from pipeline.tracking.sync import sync as synchronise

    outcomes = synchronise(open_workspace(root))
    recorded = [outcome.name for outcome in outcomes if outcome.recorded]
    print(f"sync: {len(recorded)} of {len(outcomes)} cells added to MLflow{': ' * bool(recorded)}{', '.join(recorded)}")
