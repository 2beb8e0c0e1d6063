"""List the training images and the evaluated pairs of one category."""

from pipeline.data.tables import build, describe, write_tables
from pipeline.tracking_sync import record_instances
from stages.arguments import parse_category, run_stage


def main() -> None:
    params, layout, category = parse_category(__doc__)
    tables = build(params, layout, category)
    write_tables(layout, tables)
    record_instances(layout, category)
    print(describe(tables))


if __name__ == "__main__":
    run_stage(main)
