"""Kinds of machines: of one kind where results are the same, and told where a training went from one to another."""

import platform

import pytest
import torch

from pipeline.hardware import machine_kind as kinds
from pipeline.hardware.machine_kind import machine_kind
from pipeline.training import run
from pipeline.training.job import TrainingJob
from pipeline.training.trainer import train
from support.tiny import tiny_params, tiny_set
from support.trainings import interrupted

CPU = torch.device("cpu")


def test_a_cpu_is_named_by_what_libraries_choose_their_code_by(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nvendor_id\t: Maker\nmodel name\t: Some 3 GHz\n")
    monkeypatch.setattr(kinds, "CPU_INFO", tmp_path / "cpuinfo")
    vectors = torch.backends.cpu.get_cpu_capability()
    assert machine_kind(CPU) == f"{platform.machine()} Maker {vectors}"
    monkeypatch.setattr(kinds, "CPU_INFO", tmp_path / "none")
    assert machine_kind(CPU) == f"{platform.machine()} {vectors}"


def test_a_gpu_is_named_by_its_model(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Model {device.index}")
    assert machine_kind(torch.device("cuda", 1)) == "Model 1"


@pytest.mark.parametrize(("kinds", "expected"), [(("a", "b"), ("a", "b")), (("a", "a"), ("a",))])
def test_a_training_that_goes_on_elsewhere_names_both_machines(tmp_path, monkeypatch, kinds, expected):
    params = tiny_params(training__checkpoint_every=2)
    job = TrainingJob(params, tiny_set(params), 0)
    names = iter(kinds)
    monkeypatch.setattr(run, "machine_kind", lambda device: next(names))
    interrupted(job, tmp_path, 3)
    assert train(job, tmp_path).machines == expected
