"""The operations of a training step, recorded and run again alone."""

import pytest
import torch

from benchmarks.floor import OTHER, Call, floor_rows, record, traffic
from benchmarks.training_run import PHASES
from support.tiny import tiny_params, tiny_set


def test_one_whole_step_of_each_phase_is_recorded_and_can_be_run_again():
    params = tiny_params()
    calls = record(params, tiny_set(params), 4)
    names = {phase: [call.operation.name() for call in found] for phase, found in calls.items()}
    # One update for each group of the optimiser; the codes are a group from the freeze on.
    assert [names[phase].count("aten::_fused_adam_") for phase in PHASES] == [3, 4]
    with torch.no_grad():
        # A copy of a byte a millisecond, so slow that no call takes longer, but for a few without tensors.
        rows = floor_rows(calls, 1.0)
        free = floor_rows(calls, float("inf"))
    for phase in PHASES:
        counts = {row.kind: row.calls for row in rows if row.phase == phase}
        assert sum(counts.values()) == len(calls[phase])
        assert counts["matrix products"] > 40 and counts["sines and cosines"] >= 6
    assert all(row.alone_ms > 0 and row.megabytes > 0 for row in rows)
    for row in rows:
        assert row.traffic_ms == pytest.approx(row.alone_ms, rel=0.1) if row.kind == OTHER else row.traffic_ms == 0
    assert all(row.traffic_ms == 0 for row in free)


def test_traffic_is_what_a_call_reads_and_writes():
    left, right = torch.ones(10, 3), torch.ones(3, 7)
    assert traffic(Call(torch.ops.aten.mm.default, (left, right), {})) == 4 * (30 + 21 + 70)
    assert traffic(Call(torch.ops.aten.cat.default, ([left, left.double()],), {})) == 4 * 30 + 8 * 30 + 8 * 60
    rows = torch.tensor([1, 2])
    assert traffic(Call(torch.ops.aten.index_select.default, (left, 0, rows), {})) == 8 * 2 + 2 * 4 * 6
    assert traffic(Call(torch.ops.aten.zero_.default, (left,), {})) == 4 * 30
    assert traffic(Call(torch.ops.aten.neg.default, (torch.ones(1, 3).expand(10, 3),), {})) == 4 * 3 + 4 * 30
