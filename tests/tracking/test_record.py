"""Identities of runs."""

import dataclasses
import json

from pipeline.tracking.record import flatten, inputs_sha256, metric_name
from support.mlflow_runs import CELL, CONFIG, RECORD


def test_key_depends_on_config_data_stage_and_cell_only():
    reordered = {"training": {"steps": 2, "seed": 3}, "loss": {"mask": 10.0}}
    assert dataclasses.replace(RECORD, config=reordered).key == RECORD.key
    others = [
        dataclasses.replace(RECORD, config={**CONFIG, "loss": {"mask": 9.0}}),
        dataclasses.replace(RECORD, data_sha256="e" * 64),
        dataclasses.replace(RECORD, stage="evaluate"),
        *(
            dataclasses.replace(RECORD, cell=CELL._replace(**change)._asdict())
            for change in ({"category": "chair"}, {"seed": 4}, {"variant": "mp"}, {"backbone": "dino"})
        ),
    ]
    assert len({json.dumps(record.key) for record in [RECORD, *others]}) == 8


def test_names_are_those_of_dvc():
    assert RECORD.name == "train@ours-dinov2-car-3"
    assert dataclasses.replace(RECORD, stage="report", cell={}).name == "report"


def test_helpers(tmp_path):
    assert flatten({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "d": [1]}
    assert metric_name("ours/PCK@0.1 (car)") == "ours/PCK_0.1 _car_"
    (tmp_path / "x").write_text("1")
    before = inputs_sha256([tmp_path])
    assert inputs_sha256([tmp_path]) == before
    (tmp_path / "x").write_text("2")
    assert inputs_sha256([tmp_path]) != before
