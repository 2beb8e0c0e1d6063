"""Download one release that downloads.yaml pins, check it and unpack it into releases/."""

from pipeline.base.exclusive import exclusive
from pipeline.downloads.releases import fetch_release
from stages.arguments import parse_release, run_stage


def main() -> None:
    workspace, name = parse_release(__doc__)
    with exclusive(workspace.lock("fetch", name)):
        fetch_release(workspace.pins, name, workspace.downloads, workspace.releases / name)


if __name__ == "__main__":
    run_stage(main)
