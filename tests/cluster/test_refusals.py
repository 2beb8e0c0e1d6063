"""What is told at once, before a cluster does anything."""

import importlib.util
import socket
from dataclasses import replace

import pytest

from pipeline.base.errors import InputError
from pipeline.cluster.connection import check_resources, connected, count_places
from pipeline.cluster.opening import _check_names, _check_paths, ray_options
from pipeline.config.resource_params import Need, Resources
from support.command_line import semagic
from support.paths import ROOT
from support.tiny import tiny_params


def machine(cores, gpus, memory, alive=True):
    return {"Alive": alive, "Resources": {"CPU": cores, "GPU": gpus, "memory": memory * 1e9}}


def test_a_stage_that_no_machine_can_run_is_refused():
    needs = {"masks": {"CPU": 1, "GPU": 0, "memory": 2e9}, "train": {"CPU": 4, "GPU": 0.5, "memory": 12e9}}
    small, large = machine(16, 0, 64), machine(4, 1, 12)
    check_resources(needs, [small, large])
    check_resources({"masks": needs["masks"]}, [small])
    for machines in ([small], [small, machine(4, 1, 12, alive=False)], [machine(3, 1, 64), machine(8, 0, 64)], []):
        with pytest.raises(InputError, match=r"'train' needs, 4 cores, 0\.5 GPUs, 12\.0 GB .*--autoscaling"):
            check_resources({"train": needs["train"]}, machines)


def test_places_are_those_of_the_stage_that_takes_least():
    needs = {"masks": {"CPU": 1.0, "GPU": 0.0, "memory": 2e9}, "train": {"CPU": 1.0, "GPU": 0.25, "memory": 2e9}}
    machines = [machine(4, 1, 64), machine(8, 0, 11), machine(99, 9, 99, alive=False)]
    assert count_places(needs.values(), machines) == 4 + 5
    assert count_places([needs["train"]], machines) == 4


def test_what_a_stage_takes_is_its_own_or_the_default():
    resources = Resources(3, Need(1.0, 2.0, 0.0), {"train": Need(4.0, 12.5, 0.25)})
    assert ray_options(resources, "masks") == {"num_cpus": 1.0, "num_gpus": 0.0, "memory": 2 * 10**9}
    assert ray_options(resources, "train") == {"num_cpus": 4.0, "num_gpus": 0.25, "memory": 12_500_000_000}
    _check_names(resources, ROOT)
    with pytest.raises(InputError, match=r"unknown stage 'resources\.stages\.trian'.*train"):
        _check_names(replace(resources, stages={"trian": resources.default}), ROOT)


@pytest.mark.parametrize("path", ["/data/PASCAL3D", "../PASCAL3D"])
def test_files_that_are_sent_lie_in_the_repository(path):
    _check_paths(tiny_params())
    with pytest.raises(InputError, match=r"data\.pascal3d: expected a path inside the repository"):
        _check_paths(tiny_params(data__pascal3d=path))


def test_without_ray_the_command_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'semagic\[ray\]'"), connected("auto", {}):
        pass


@pytest.mark.parametrize("option", [["--scratch", "/tmp/x"], ["--autoscaling"]])
def test_options_about_a_cluster_need_one(option, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    done = semagic("run", *option)
    assert done.exit_code == 2 and "--ray names" in done.stderr


def test_gpus_of_a_cluster_are_shared_out_by_ray():
    done = semagic("run", "--ray", "auto", "--gpus", "0")
    assert done.exit_code == 2 and "--gpus" in done.stderr


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999", "no-such-machine.invalid:6379"]
)
def test_an_address_at_which_nobody_answers_is_told_at_once(address):
    with pytest.raises(InputError, match=r"nobody answers there .*ray start --head"), connected(address, {}):
        pass


def test_a_cluster_of_another_version_is_told_with_both(monkeypatch):
    ray = pytest.importorskip("ray")

    def init(*_, **__):
        raise RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.60.0\n    Python: 3.11.2")

    monkeypatch.setattr(ray, "init", init)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        expected = rf"--ray {address}: .*Version mismatch: .*Python: 3\.11\.2 .*same versions of Ray and Python"
        with pytest.raises(InputError, match=expected), connected(address, {}):
            pass


@pytest.mark.parametrize("address", ["", "somewhere", "http://127.0.0.1:1", "127.0.0.1:port"])
def test_what_is_no_address_is_named(address):
    with pytest.raises(InputError, match=r"expected auto, HOST:PORT or ray://HOST:PORT"), connected(address, {}):
        pass
