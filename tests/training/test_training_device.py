"""Training on another device: nothing stays behind on the CPU, and the results are the CPU's."""

import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.rendering.cpu import CpuRasterizer
from pipeline.rendering.nvdiffrast import nvdiffrast_obstacle
from pipeline.training import device as device_module
from pipeline.training import run
from pipeline.training.device import configure_torch, training_device
from pipeline.training.job import TrainingJob
from pipeline.training.trainer import train
from support.accelerator import DEVICE, RasterizerThere, accelerator
from support.tiny import tiny_params, tiny_set

GPU = torch.device("cuda")
REFINED_LABELS = {
    "training__label_refinement__step": 2.0,
    "training__label_refinement__start": 0.0,
    "training__label_pose_until": 0.75,
}


class PlainAdam(torch.optim.Adam):
    """Adam with one tensor worked on at a time, which does not offer to skip a step."""

    found_inf = property(lambda self: None, lambda self, skip: None)

    def __init__(self, groups, fused):
        super().__init__(groups, fused=False, foreach=False)


def one_by_one(function):
    """The function without the options that have several tensors worked on at once."""

    def called(*arguments, **options):
        return function(*arguments, **{**options, **{name: False for name in options if name in ("fused", "foreach")}})

    return called


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr(
        run,
        "make_rasterizer",
        lambda name, device: RasterizerThere() if device.type == DEVICE.type else CpuRasterizer(),
    )
    # Fused and grouped operations exist for real accelerators only.
    monkeypatch.setattr(torch.optim, "Adam", PlainAdam)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", one_by_one(torch.nn.utils.clip_grad_norm_))
    with accelerator():
        yield


@pytest.mark.parametrize(
    "change",
    [{}, {"model__deformation__identity": "grid"}, {"loss__pose": 0.0}, REFINED_LABELS],
    ids=["labels", "grid", "hypotheses", "refined labels"],
)
def test_a_training_elsewhere_is_that_of_the_cpu(elsewhere, change, tmp_path):
    params = tiny_params(training__steps=4, training__log_every=1, **change)
    data = tiny_set(params)
    expected = train(TrainingJob(params, data, 0), tmp_path / "cpu")
    found = train(TrainingJob(params, data, 0, DEVICE), tmp_path / "there")
    torch.testing.assert_close(torch.tensor(found.curve), torch.tensor(expected.curve), rtol=1e-3, atol=1e-4)
    for name, value in found.model.state_dict().items():
        assert value.device.type == "cpu", name
    assert found.model.changing.grid.vertices.device.type == "cpu"
    assert len(found.model.template().faces)


# Of a real 'meta' tensor, which has no memory to copy to, it would be true.
@pytest.mark.filterwarnings("ignore:.*which is a no-op:UserWarning")
def test_a_training_elsewhere_continues_from_its_checkpoint(elsewhere, tmp_path):
    params = tiny_params(training__steps=6, training__checkpoint_every=2)
    data = tiny_set(params)
    whole = train(TrainingJob(params, data, 0, DEVICE), tmp_path / "whole")

    def interrupt(row: dict[str, float]) -> None:
        if row["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TrainingJob(params, data, 0, DEVICE), tmp_path / "cut", report=interrupt)
    continued = train(TrainingJob(params, data, 0, DEVICE), tmp_path / "cut")
    for name, value in whole.model.state_dict().items():
        assert torch.equal(continued.model.state_dict()[name], value), name


@pytest.mark.skipif(bool(nvdiffrast_obstacle()), reason="needs a GPU and nvdiffrast")
def test_a_training_on_a_gpu_begins_like_the_cpus_and_continues_from_its_checkpoint(tmp_path):
    params = tiny_params(training__log_every=1, training__checkpoint_every=2)
    data = tiny_set(params)
    expected = train(TrainingJob(params, data, 0), tmp_path / "cpu")
    whole = train(TrainingJob(params, data, 0, GPU), tmp_path / "whole")
    beginning = torch.tensor(whole.curve)[:3], torch.tensor(expected.curve)[:3]
    torch.testing.assert_close(*beginning, rtol=0.02, atol=1e-3)

    def interrupt(row: dict[str, float]) -> None:
        if row["step"] == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TrainingJob(params, data, 0, GPU), tmp_path / "cut", report=interrupt)
    continued = train(TrainingJob(params, data, 0, GPU), tmp_path / "cut")
    torch.testing.assert_close(torch.tensor(continued.curve), torch.tensor(whole.curve), rtol=0.05, atol=0.01)
    assert all(value.device.type == "cpu" for value in continued.model.state_dict().values())


def test_checkpoints_of_one_kind_of_device_are_not_continued_on_another():
    params = tiny_params()
    data = tiny_set(params)
    for identity in (TrainingJob.identity, TrainingJob.first_phase_identity):
        here, there, second = (
            identity(TrainingJob(params, data, 0, torch.device(name))) for name in ("cpu", "cuda", "cuda:1")
        )
        assert identity(TrainingJob(params, data, 0)) == here != there == second
    named = tiny_params(training__device="cpu")
    assert TrainingJob(named, data, 0).identity() == TrainingJob(params, data, 0).identity()


def test_auto_takes_a_gpu_only_with_a_rasterizer_for_it(monkeypatch, capsys):
    monkeypatch.setattr(device_module, "choose_device", lambda name, key: GPU)
    monkeypatch.setattr(device_module, "make_rasterizer", lambda name, device: RasterizerThere())
    assert training_device("auto") == training_device("cuda") == GPU

    def missing(name: str, device: torch.device) -> None:
        raise InputError("Install it.")

    monkeypatch.setattr(device_module, "make_rasterizer", missing)
    assert training_device("auto") == torch.device("cpu")
    assert capsys.readouterr().out == "Training runs on the CPU, although there is a GPU. Install it.\n"
    with pytest.raises(InputError, match="Install it"):
        training_device("cuda")


def test_unknown_device_names_its_parameter():
    with pytest.raises(InputError, match=r"training\.device must be auto, cpu, cuda or cuda:N"):
        training_device("gpu")


@pytest.mark.parametrize(
    ("device", "matmul", "precision"),
    [("cpu", "tf32", "highest"), ("cuda", "tf32", "high"), ("cuda", "float32", "highest")],
)
def test_products_lose_precision_only_where_it_is_asked_for(monkeypatch, device, matmul, precision):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    before = torch.get_float32_matmul_precision(), torch.utils.deterministic.fill_uninitialized_memory
    try:
        configure_torch(torch.device(device), tiny_params(training__matmul=matmul).training)
        assert torch.get_float32_matmul_precision() == precision
        assert torch.are_deterministic_algorithms_enabled() == (device == "cpu")
        assert torch.backends.cudnn.allow_tf32 == (matmul == "tf32")
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]
