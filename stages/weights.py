"""Download the weights that params.yaml needs, or those that are named, and compare their hashes. Not a stage."""

from pipeline.downloads.pins import read_pins
from pipeline.downloads.required import required_models
from pipeline.downloads.weights import describe, fetch_weights
from stages.arguments import parse_models, run_stage


def main() -> None:
    workspace, models, only_list = parse_models(__doc__)
    if only_list:
        for name, weights in read_pins(workspace.pins).weights.items():
            print(describe(name, weights))
        return
    models = models or required_models(workspace.params)
    if not models:
        print("weights: the backends in params.yaml need none. Name a model to fetch it; --list shows all.")
    for model in models:
        fetch_weights(workspace.pins, model, workspace.weights / model)


if __name__ == "__main__":
    run_stage(main)
