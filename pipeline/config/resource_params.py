"""The section of `params.yaml` about the machines of a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pipeline.config.kinds import Amount, Key, Size
from pipeline.config.ranges import Between


@dataclass(frozen=True)
class Need:
    """What a cell takes of a machine."""

    cores: Size
    """Number of cores."""
    memory: Size
    """Memory [GB]."""
    gpus: Amount
    """Number of GPUs, or the share of one that others may have the rest of."""


@dataclass(frozen=True)
class Resources:
    """Resources of each stage's cells on a Ray cluster; no result depends on them (docs/cluster.md)."""

    retries: Annotated[int, Between(0, 100)]
    """Number of times that a cell is tried again after its machine or its worker was lost."""
    default: Need
    """What a cell of any other stage takes."""
    stages: Mapping[Key, Need]
    """What cells of single stages take, by the stage's name."""
