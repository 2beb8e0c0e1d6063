"""`semagic sync`: results that MLflow does not have yet, added to it."""

from pathlib import Path

from semagic.cli.options import Root


def sync(root: Root = Path()) -> None:
    """Add to MLflow the results that it does not have.

    DVC restored them from its cache, or they could not be sent: trainings, evaluations, comparisons with CAD models and
    tables. What MLflow has already stays as it is.
    """
    from pipeline.base.errors import InputError
    from pipeline.config.opening import open_workspace
    from pipeline.tracking.sync import sync as synchronise

    outcomes, notes, unreachable = synchronise(open_workspace(root))
    for note in notes:
        print(f"sync: {note}")
    recorded = [outcome.name for outcome in outcomes if outcome.recorded]
    print(f"sync: {len(recorded)} of {len(outcomes)} cells added to MLflow{': ' * bool(recorded)}{', '.join(recorded)}")
    problems = [f"{outcome.name}: {outcome.problem}" for outcome in outcomes if outcome.problem]
    if unreachable:
        problems.append(f"MLflow's store cannot be reached, and the other cells were not tried: {unreachable}")
    if problems:
        raise InputError("; ".join(problems) + ". Mend that and run `semagic sync` again; the files have everything.")
