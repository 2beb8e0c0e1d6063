"""Record the first losses of a tiny training: `PYTHONPATH=tests python -m support.record_losses`.

It writes tests/golden/first_losses.json, which tests/training/test_first_losses.py compares with.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from pipeline.base.files import write_json
from pipeline.training.curve import CURVE_COLUMNS
from pipeline.training.job import TrainingJob
from pipeline.training.trainer import train
from support.paths import ROOT
from support.tiny import tiny_params, tiny_set

FILE = ROOT / "tests" / "golden" / "first_losses.json"
STEPS = 20
"""Number of steps; the template deforms from the middle of them on."""
SLOW = {"lr_prior": 2e-4, "lr_instance": 1e-4, "lr_codes": 1e-4, "lr_pose": 4e-4}
"""A tenth of the shipped learning rates.

With these, eight seeds agree to 1e-5 between instruction sets of a processor. With the shipped rates every third does
not: a silhouette that differs by one pixel changes the signs of small gradients, which Adam enlarges.
"""


def first_losses() -> list[dict[str, float]]:
    """Rows of the loss curve, one for each step."""
    rates = {f"training__{name}": rate for name, rate in SLOW.items()}
    params = tiny_params(training__steps=STEPS, training__log_every=1, **rates)
    with tempfile.TemporaryDirectory() as folder:
        rows = train(TrainingJob(params, tiny_set(params), 0), Path(folder)).curve
    return [dict(zip(CURVE_COLUMNS, row, strict=True)) for row in rows]


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    write_json(FILE, first_losses())
    print(f"{FILE}: {STEPS} steps")


if __name__ == "__main__":
    main()
