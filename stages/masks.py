"""Label the objects' masks (SAM in the paper) for the training and evaluation images of one category."""

from pipeline.base.exclusive import exclusive
from pipeline.labels.masks.label import label_masks
from stages.arguments import parse_category, run_stage


def main() -> None:
    workspace, category = parse_category(__doc__)
    with exclusive(workspace.lock("masks", category)):
        label_masks(workspace, category)


if __name__ == "__main__":
    run_stage(main)
