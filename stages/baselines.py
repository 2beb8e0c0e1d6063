"""Match and score the evaluated pairs of one category by nearest neighbours of the features themselves."""

from pipeline.base.exclusive import exclusive
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.result import describe, write_evaluation
from pipeline.tracking import recordings
from stages.arguments import parse_backbone, run_stage


def main() -> None:
    workspace, backbone, category = parse_backbone(__doc__)
    with exclusive(workspace.lock("baselines", backbone, category)):
        evaluation = evaluate_baselines(workspace, backbone, category)
        write_evaluation(workspace.baselines(backbone, category), evaluation)
        recordings.record(workspace, recordings.baselines(workspace, backbone, category))
        print(describe(f"baselines {backbone} {category}", evaluation.metrics))


if __name__ == "__main__":
    run_stage(main)
