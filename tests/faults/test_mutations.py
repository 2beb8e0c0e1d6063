"""Damaged files of every kind, read by the project's own readers; and the harness itself, on careless readers."""

from collections import Counter

from faults import pool
from faults.byte_operators import BYTE_OPERATORS
from faults.kinds import CARELESS, KINDS
from faults.mutants import FORMS, Task, make_mutant
from faults.mutations import failures, run, table, tasks_of
from faults.trial import BAD, GOOD

COUNT, SEED = 500, 0


def test_damaged_files_are_accepted_rightly_skipped_or_refused():
    """`PYTHONPATH=tests python -m faults.mutations` reads twenty times as many, and repeats one of them."""
    found = run(tasks_of(COUNT, SEED, list(KINDS)))
    assert all(verdict.good for _, verdict in found), failures(found)
    assert {task.kind for task, _ in found} == KINDS.keys()
    assert {verdict.outcome for _, verdict in found} == set(GOOD)


def test_every_careless_reader_is_caught(monkeypatch):
    monkeypatch.setattr(pool, "SECONDS", 1.0)
    found = run([Task(kind, number, SEED) for kind in CARELESS for number in range(2)], processes=1)
    expected = [task.kind.removeprefix("careless: ").split(",")[0] for task, _ in found]
    assert [verdict.outcome for _, verdict in found] == expected
    assert set(expected) == {*GOOD, *BAD}
    assert f"| all | {len(found)} | 2 | 2 | 2 | 2 | 2 | 2 | 2 | 4 |" in table(found)
    assert "crash (): --kind 'careless: crash' --only 0 --seed 0" in failures(found)


def test_a_mutant_follows_from_its_task_and_differs_from_the_file():
    content = b'{"numbers": [1, 2.5, "three"], "nested": {"a": null}}\n'
    for form in FORMS:
        tasks = [Task(form, number, SEED) for number in range(300)]
        mutants = [make_mutant(task, form, content, b"another file") for task in tasks]
        assert mutants == [make_mutant(task, form, content, b"another file") for task in tasks]
        assert content not in [mutant.content for mutant in mutants]
        used = Counter(mutant.operator for mutant in mutants)
        assert used.keys() == {name for group in FORMS[form] for name in group}
    assert set(BYTE_OPERATORS) <= used.keys()


def test_tasks_are_spread_over_the_kinds():
    assert Counter(task.kind for task in tasks_of(7, 1, ["a", "b", "c"])) == {"a": 3, "b": 2, "c": 2}
    assert len(set(tasks_of(1000, 1, ["a", "b", "c"]))) == 1000
