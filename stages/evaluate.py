"""Match and score the evaluated pairs of one category."""

from pipeline.data.instances import read_instances
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.evaluation.result import write_evaluation
from pipeline.images import write_image
from pipeline.reporting.pictures import draw_pairs
from pipeline.tracking_sync import record_evaluation
from stages.arguments import parse_cell, run_stage


def main() -> None:
    _, layout, category = parse_cell(__doc__)
    evaluation = evaluate(layout, category)
    folder = layout.evaluation(category)
    instances = {i.name: i for i in read_instances(layout.instances(category)) if i.split != "train"}
    write_image(folder / "pairs.png", draw_pairs(evaluation, instances, layout, TABLE_ALPHA))
    write_evaluation(folder, evaluation)
    record_evaluation(layout, category)
    metrics = evaluation.metrics
    for row, scores in metrics.pck.items():
        numbers = ", ".join(f"PCK@{alpha} {100 * score.per_image:.1f}" for alpha, score in scores.items())
        print(f"evaluate {category}: {row}: {numbers}")
    print(f"evaluate {category}: {metrics.pairs} pairs, {len(metrics.skipped)} skipped -> {folder}")


if __name__ == "__main__":
    run_stage(main)
