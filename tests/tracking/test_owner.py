"""Processes that have ended are told from those that go on, from others with their number, and from unknown ones."""

import os
import subprocess

import pytest

from pipeline.tracking.owner import HOST, PID, STARTED, is_dead, owner_tags


@pytest.fixture
def ended():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        return owner_tags(process.pid)


def test_a_process_that_has_ended_is_dead(ended):
    assert is_dead(ended)


def test_a_process_that_waits_to_be_reaped_is_dead():
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    tags = owner_tags(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(tags)
    process.communicate()


def test_this_process_is_alive():
    assert not is_dead(owner_tags(os.getpid()))


def test_a_number_that_was_given_again_is_another_process(ended):
    assert is_dead({**owner_tags(os.getpid()), STARTED: ended[STARTED]})
    before_a_restart = "00000000-0000-0000-0000-000000000000 " + owner_tags(os.getpid())[STARTED].split()[1]
    assert is_dead({**owner_tags(os.getpid()), STARTED: before_a_restart})


@pytest.mark.parametrize("change", [{HOST: "elsewhere"}, {STARTED: ""}, {PID: "x"}])
def test_what_is_not_known_is_not_dead(ended, change):
    assert not is_dead({**ended, **change})
    assert not is_dead({name: value for name, value in ended.items() if name not in change})
