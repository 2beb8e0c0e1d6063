"""Small tensors between CPU and other devices."""

import pytest
import torch

from pipeline.hardware.transfers import constant, send
from support.accelerator import DEVICE, accelerator

GPU = pytest.param(torch.device("cuda"), marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))


@pytest.mark.parametrize("device", [torch.device("cpu"), GPU])
def test_what_is_sent_is_the_same_there(device):
    values = torch.arange(6.0).reshape(2, 3).T
    there = send(values, device)
    assert there.device.type == device.type
    assert torch.equal((there * 2).cpu(), values * 2)


def test_other_accelerators_are_reached_too():
    with accelerator():
        there = send(torch.arange(3.0), DEVICE)
        assert there.device.type == DEVICE.type
        here = (there + 1).cpu()
    assert here.device.type == "cpu" and torch.equal(here, torch.tensor([1.0, 2.0, 3.0]))


def test_constants_are_made_once_for_each_precision():
    like = torch.zeros(2, dtype=torch.float64)
    found = constant(((1, 2), (3, 4)), like)
    assert found.dtype == torch.float64 and found.tolist() == [[1, 2], [3, 4]]
    assert constant(((1, 2), (3, 4)), like) is found
    assert constant(((1, 2), (3, 4)), like.float()).dtype == torch.float32


def test_a_constant_made_in_inference_mode_has_gradients_through_it():
    with torch.inference_mode():
        constant((0.5, 7.25), torch.zeros(1))
    values = torch.ones(2, requires_grad=True)
    (values * constant((0.5, 7.25), values)).sum().backward()
    assert values.grad.tolist() == [0.5, 7.25]
