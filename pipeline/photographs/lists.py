"""Lists of one category on disk: the instances that are used, and the pairs that are matched."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.base.checksums import checked
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically, write_json
from pipeline.photographs.records import Box, Instance, Pair, Viewpoint

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("category", "name", "split", "image")),
        *((name, pa.int32()) for name in ("width", "height")),
        ("box", pa.struct([(name, pa.float64()) for name in Box._fields])),
        *((name, pa.bool_()) for name in ("truncated", "occluded", "difficult")),
        ("viewpoint", pa.struct([(name, pa.float64()) for name in Viewpoint._fields])),
        ("cad_index", pa.int32()),
    ]
)


MOST_INSTANCES = 1_000_000
"""Rows that a table of instances may have. A compressed table can state any number."""


class PairList(NamedTuple):
    """Pairs of one category in one split."""

    category: str
    split: str
    pairs: tuple[Pair, ...]
    sha256: str
    """Digest of the pairs; equal digests mean scores on the same pairs."""


def write_instances(path: Path, instances: Iterable[Instance]) -> None:
    """Write a table (Parquet) with a row for each instance."""
    table = pa.Table.from_pylist([_row(item) for item in instances], schema=_SCHEMA)
    write_atomically(path, lambda stream: pq.write_table(table, stream))


def read_instances(path: Path) -> list[Instance]:
    """Read what `write_instances` wrote, in the same order.

    Raises:
        InputError: the table is missing or damaged.
    """
    with parsing(_existing(path), "instances (Parquet)"):
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > MOST_INSTANCES:
            raise ValueError(f"{file.metadata.num_rows} rows, more than {MOST_INSTANCES}")
        table = file.read().select(_SCHEMA.names)
        if not table.schema.equals(_SCHEMA):
            raise ValueError(f"other columns: {table.schema}")
        return [_instance(row) for row in table.to_pylist()]


def pair_list(category: str, split: str, pairs: Iterable[Pair]) -> PairList:
    """The pairs with their digest."""
    pairs = tuple(pairs)
    return PairList(category, split, pairs, _digest([_pair_row(pair) for pair in pairs]))


def write_pairs(path: Path, pairs: PairList) -> None:
    """Write a list of pairs as JSON."""
    write_json(path, {**pairs._asdict(), "pairs": [_pair_row(pair) for pair in pairs.pairs]})


def read_pairs(path: Path) -> PairList:
    """Read what `write_pairs` wrote.

    Raises:
        InputError: the file is missing or damaged, or its pairs do not have the digest that it states.
    """
    with parsing(_existing(path), "pairs as JSON"):
        content = json.loads(path.read_text(encoding="utf-8"))
        pairs = pair_list(content["category"], content["split"], [_pair(row) for row in content["pairs"]])
        if pairs.sha256 != content["sha256"]:
            raise ValueError(f"its pairs have the digest {pairs.sha256}, it states {content['sha256']}")
        return pairs


def _row(item: Instance) -> dict[str, Any]:
    row = {name: getattr(item, name) for name in _SCHEMA.names}
    return {**row, "box": item.box._asdict(), "viewpoint": item.viewpoint and item.viewpoint._asdict()}


def _instance(row: dict[str, Any]) -> Instance:
    viewpoint = None if row["viewpoint"] is None else Viewpoint(**row["viewpoint"])
    return Instance(**{**row, "box": Box(**row["box"]), "viewpoint": viewpoint})


def _pair_row(pair: Pair) -> dict[str, Any]:
    return {
        "category": pair.category,
        "source": pair.source,
        "target": pair.target,
        "keypoint_ids": list(pair.keypoint_ids),
        "source_keypoints": pair.source_keypoints.tolist(),
        "target_keypoints": pair.target_keypoints.tolist(),
        "source_box": list(pair.source_box),
        "target_box": list(pair.target_box),
        "truncation": pair.truncation,
    }


def _pair(row: dict[str, Any]) -> Pair:
    return Pair(
        category=row["category"],
        source=row["source"],
        target=row["target"],
        keypoint_ids=tuple(row["keypoint_ids"]),
        source_keypoints=np.array(row["source_keypoints"], dtype=np.float64).reshape(-1, 2),
        target_keypoints=np.array(row["target_keypoints"], dtype=np.float64).reshape(-1, 2),
        source_box=Box(*row["source_box"]),
        target_box=Box(*row["target_box"]),
        truncation=row["truncation"],
    )


def _digest(rows: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: expected the output of the stage `instances`, found none. Run `dvc repro`.")
    return checked(path)
