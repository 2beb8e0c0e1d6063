"""Label relative depth (Depth Anything V2 in the paper) for the training images of one category."""

from pipeline.base.exclusive import exclusive
from pipeline.labels.depth.label import label_depth
from stages.arguments import parse_category, run_stage


def main() -> None:
    workspace, category = parse_category(__doc__)
    with exclusive(workspace.lock("depth", category)):
        label_depth(workspace, category)


if __name__ == "__main__":
    run_stage(main)
