"""The first losses of a tiny training against a recording: a change that moves numbers says so."""

import json

import pytest

from support.record_losses import FILE, STEPS, first_losses


def test_the_first_losses_are_those_of_the_recording():
    """Another processor rounds differently; what is left of that is far below what a change of a formula does."""
    expected, found = json.loads(FILE.read_text(encoding="utf-8")), first_losses()
    assert len(expected) == STEPS
    for row, recorded in zip(found, expected, strict=True):
        assert row == pytest.approx(recorded, rel=1e-5, abs=1e-7), f"step {row['step']:g}; see CONTRIBUTING.md"
