"""Label the objects' orientation (Orient Anything V2 in the paper) for the training images of one category."""

from pipeline.base.exclusive import exclusive
from pipeline.labels.poses.label import label_poses
from stages.arguments import parse_category, run_stage


def main() -> None:
    workspace, category = parse_category(__doc__)
    with exclusive(workspace.lock("poses", category)):
        label_poses(workspace, category)


if __name__ == "__main__":
    run_stage(main)
