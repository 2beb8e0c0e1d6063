"""Match and score the evaluated pairs of one category by one trained cell."""

from pipeline.base.exclusive import exclusive
from pipeline.evaluation.evaluate import evaluate_cell
from pipeline.evaluation.result import describe, write_evaluation
from pipeline.tracking import recordings
from stages.arguments import parse_cell, run_stage


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    with exclusive(workspace.lock("evaluate", *cell)):
        evaluation = evaluate_cell(workspace, cell)
        write_evaluation(workspace.evaluation(cell), evaluation)
        recordings.record(workspace, recordings.evaluation(workspace, cell))
        print(describe(f"evaluate {cell.name}", evaluation.metrics))


if __name__ == "__main__":
    run_stage(main)
