"""Compute patch features (DINOv2 in the paper) of the training and evaluation images of one category."""

from pipeline.base.exclusive import exclusive
from pipeline.labels.features.label import label_features
from stages.arguments import parse_backbone, run_stage


def main() -> None:
    workspace, backbone, category = parse_backbone(__doc__)
    with exclusive(workspace.lock("features", backbone, category)):
        label_features(workspace, backbone, category)


if __name__ == "__main__":
    run_stage(main)
