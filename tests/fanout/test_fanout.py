"""Fan-out: order, limits and failures of the scheduler, the plan, logs, GPUs and interrupts."""

import os
import signal
import threading
import time
from graphlib import CycleError
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fanout.gpus import Gpus
from pipeline.fanout.logs import tail
from pipeline.fanout.plan import needed_stages, stale_stages
from pipeline.fanout.processes import Processes, python_arguments
from pipeline.fanout.scheduler import run_graph
from pipeline.fanout.work import Work


@st.composite
def graphs(draw):
    """Node -> the nodes that it needs, in a topological order."""
    nodes = draw(st.permutations("abcdefgh"[: draw(st.integers(1, 8))]))
    return {
        node: tuple(draw(st.lists(st.sampled_from(nodes[:i]), unique=True))) if i else ()
        for i, node in enumerate(nodes)
    }


def upstream(needs, node):
    """Everything that a node needs, over any distance."""
    return set(needs[node]).union(*(upstream(needs, other) for other in needs[node]))


def digraph(needs):
    graph = nx.DiGraph()
    graph.add_nodes_from(needs)
    graph.add_edges_from((node, other) for node, others in needs.items() for other in others)
    return graph


@settings(max_examples=60)
@given(graphs(), st.sets(st.sampled_from("abcdefgh")), st.integers(1, 4), st.randoms(use_true_random=False))
def test_scheduler_against_the_definition(needs, bad, jobs, random):
    delays = {node: random.choice([0, 0.0005]) for node in needs}
    lock = threading.Lock()
    active, most, before = set(), 0, {}

    def run(node):
        nonlocal most
        with lock:
            active.add(node)
            most = max(most, len(active))
            before[node] = set(succeeded)
        time.sleep(delays[node])
        with lock:
            active.remove(node)
            if node not in bad:
                succeeded.add(node)
        return 7 if node in bad else 0

    succeeded = set()
    starts, ends = [], []

    def started(node):
        starts.append(node)
        assert len(starts) - len(ends) <= jobs

    outcome = run_graph(needs, run, jobs, started=started, ended=lambda node, code: ends.append((node, code)))
    lost = [node for node in needs if upstream(needs, node) & bad]
    assert outcome.skipped == tuple(lost)
    assert outcome.codes == {node: 7 if node in bad else 0 for node in needs if node not in lost}
    assert set(outcome.failed) == bad & set(outcome.codes)
    assert all(set(needs[node]) <= seen for node, seen in before.items())
    assert most <= jobs
    assert sorted(starts) == sorted(outcome.codes)
    assert ends == list(outcome.codes.items())
    if jobs == 1:
        assert starts == [node for node in needs if node not in lost]


def test_independent_nodes_run_at_once():
    """Each waits for the others: with fewer than three at once the barrier breaks."""
    barrier = threading.Barrier(3)

    def run(node):
        barrier.wait(timeout=30)
        return 0

    assert run_graph(dict.fromkeys("abc", ()), run, 3).codes == {"a": 0, "b": 0, "c": 0}


def test_a_circle_is_refused_before_anything_runs():
    with pytest.raises(CycleError):
        run_graph({"a": (), "b": ("c",), "c": ("b",)}, pytest.fail, 2)


def test_an_exception_stops_what_runs():
    stopped = threading.Event()

    def run(node):
        if node == "bad":
            raise OSError("no such program")
        return 0 if stopped.wait(timeout=30) else 1

    with pytest.raises(OSError, match="no such program"):
        run_graph({"long": (), "bad": (), "later": ("bad",)}, run, 2, stop=stopped.set)
    assert stopped.is_set()


@given(graphs(), st.data())
def test_plan_against_the_definition(needs, data):
    some = st.sets(st.sampled_from(sorted(needs)))
    targets, changed = data.draw(some), data.draw(some)
    wanted = targets.union(*(upstream(needs, target) for target in targets))
    found = needed_stages(digraph(needs), sorted(targets))
    assert set(found) == wanted
    assert all(set(others) == set(needs[node]) for node, others in found.items())
    order = list(found)
    assert all(order.index(other) < order.index(node) for node in found for other in needs[node])

    asked = []
    stale = stale_stages(found, lambda node: asked.append(node) or node in changed)
    expected = {node for node in wanted if ({node} | upstream(needs, node)) & changed}
    assert set(stale) == expected
    assert all(set(stale[node]) == set(needs[node]) & expected for node in stale)
    assert not any(upstream(needs, node) & changed for node in asked)


def test_one_cell_is_finished_before_the_next_is_begun():
    needs = {"data": (), "label@a": ("data",), "label@b": ("data",), "train@a": ("label@a",), "train@b": ("label@b",)}
    needs["report"] = ("train@a", "train@b")
    assert list(needed_stages(digraph(needs), list(needs))) == [
        *("data", "label@a", "train@a", "label@b", "train@b", "report")
    ]


class Shell:
    """Commands by their names, each with a log of its own."""

    def __init__(self, commands, folder, **options):
        folder.mkdir(exist_ok=True)
        self._commands, self._folder = commands, folder
        self._processes = Processes(dict(os.environ), **options)
        self.stop = self._processes.stop

    def log(self, name):
        return self._folder / f"{name}.log"

    def run(self, name):
        work = Work(tuple(self._commands[name].splitlines()), str(self._folder), {"MINE": name})
        return self._processes.execute(name, work, self.log(name))


def test_output_goes_to_a_log_and_more_of_it_to_its_end(tmp_path):
    shell = Shell({"a": "echo out; echo err >&2; pwd\nexit 3\necho never", "b": "echo $MINE; kill -9 $$"}, tmp_path)
    shell.log("a").write_text("before\n")
    assert shell.run("a") == 3
    assert shell.run("b") == -9
    first, log = "echo out; echo err >&2; pwd", shell.log("a").read_text()
    failed = "failed to run: exit 3, exited with 3"
    assert log == f"before\n> {first}\nout\nerr\n{tmp_path}\n> exit 3\n{failed}\n"
    assert "\nb\n" in shell.log("b").read_text()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("python -m stages.train --seed 0", ["-m", "stages.train", "--seed", "0"]),
        ("python -m json.tool a=b:c,d+e@f%g", ["-m", "json.tool", "a=b:c,d+e@f%g"]),
        ("python train.py", None),
        ("python -m", None),
        ("python3 -m stages.train", None),
        ("python -m stages.train > log", None),
        ("python -m stages.train $HOME", None),
        ("python -m stages.train 'a b'", None),
        ("python -m stages.train; rm x", None),
        ("python -m stages.train *", None),
        ("", None),
    ],
)
def test_what_needs_no_shell(command, arguments):
    assert python_arguments(command) == arguments


def test_commands_that_run_at_once_see_different_gpus(tmp_path):
    names = [f"c{i}" for i in range(4)]
    shell = Shell(dict.fromkeys(names, "echo $CUDA_VISIBLE_DEVICES; sleep 1"), tmp_path, gpus=Gpus(["0", "3"]))
    threads = [threading.Thread(target=shell.run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = [tail(shell.log(name), 1)[0] for name in names]
    assert sorted(seen) == ["0", "0", "3", "3"]


def test_without_gpus_a_command_sees_what_its_caller_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    shell = Shell({"a": "echo $CUDA_VISIBLE_DEVICES"}, tmp_path)
    assert shell.run("a") == 0
    assert tail(shell.log("a"), 1) == ["5"]


def test_tail_shows_the_last_state_of_a_progress_bar(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"first\n 0%\r 50%\r100%\nError: \xff\n\n")
    assert tail(path, 2) == ["100%", "Error: \ufffd"]
    path.write_bytes(b"x" * 100_000 + b"\nlast")
    assert tail(path, 1) == ["last"]
    path.write_bytes(b"")
    assert tail(path, 5) == [""]


def appears(path):
    deadline = time.monotonic() + 60
    while not (path.is_file() and path.read_text().endswith("\n")):
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.01)
    return path.read_text().strip()


def is_alive(pid):
    """Whether a process runs; one that has ended may be left as a zombie by its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid):
    deadline = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


def test_what_a_command_leaves_behind_is_killed(tmp_path):
    assert Shell({"a": f"sleep 40 & echo $! > {tmp_path}/pid"}, tmp_path).run("a") == 0
    assert ends(appears(tmp_path / "pid"))


@pytest.mark.parametrize("ignored", [False, True])
def test_interrupt_ends_whole_process_groups(tmp_path, ignored):
    """Also grandchildren, also those that ignore the request; nothing is started afterwards."""
    trap = "trap '' INT; " if ignored else ""
    command = f"{trap}sleep 40 & echo $! > {tmp_path}/NAME.new; mv {tmp_path}/NAME.new {tmp_path}/NAME; wait"
    shell = Shell({name: command.replace("NAME", name) for name in "abc"}, tmp_path / "logs", grace=0.3)

    def interrupt():
        for name in "ab":
            appears(tmp_path / name)
        os.kill(os.getpid(), signal.SIGUSR1)

    def raise_interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, raise_interrupt)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_graph({"a": (), "b": (), "c": ("a",)}, shell.run, 2, stop=shell.stop)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert ends((tmp_path / "a").read_text().strip()) and ends((tmp_path / "b").read_text().strip())
    assert shell.run("c") == 130
    assert not (tmp_path / "c").exists()
