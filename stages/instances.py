"""List the training images and the evaluated pairs of one category."""

from pipeline.data.build import build, describe, write_tables
from pipeline.tracking.sync import record_instances
from stages.arguments import parse_category, run_stage


def main() -> None:
    workspace, category = parse_category(__doc__)
    tables = build(workspace, category)
    write_tables(workspace, tables)
    record_instances(workspace, category)
    print(describe(tables))


if __name__ == "__main__":
    run_stage(main)
