"""Lack of memory in a network: the photographs and the remedy are named, and the failed attempt frees its memory."""

import gc
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.labels.failures import NoMemoryError, memory_errors_named
from pipeline.photographs.photo import Photo
from support.photographs import make_photo


class Backend:
    """Fails as it is told to, with a tensor in its hands."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.tensors: list[weakref.ref] = []

    @memory_errors_named
    def answers(self, photos: Sequence[Photo], flip: bool = False) -> list[bool]:
        tensor = torch.zeros(10)
        self.tensors.append(weakref.ref(tensor))
        if self.failure:
            raise self.failure
        return [flip for _ in photos]


PHOTOS = [make_photo(name) for name in "abcd"]


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore of it."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_lack_of_memory_names_photographs_and_remedy(failure: Exception) -> None:
    with pytest.raises(NoMemoryError) as caught:
        Backend(failure).answers(PHOTOS)
    message = str(caught.value)
    assert message.startswith("photographs/a.png, photographs/b.png, photographs/c.png and 1 more: the memory")
    assert "pretrained.batch" in message and "pretrained.device" in message and "\n" not in message
    assert "4 photographs together (" + (str(failure).split("\n")[0] or "MemoryError") in message
    assert isinstance(caught.value, InputError), "a recorded skip"


def test_memory_of_the_failed_attempt_is_free_while_the_error_lives() -> None:
    backend = Backend(None)
    backend.failure = torch.OutOfMemoryError("out of memory")
    with pytest.raises(NoMemoryError) as caught:
        backend.answers(PHOTOS)
    backend.failure.__traceback__ = None
    gc.collect()
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert backend.tensors[0]() is None


@pytest.mark.parametrize(
    "failure",
    [RuntimeError("CUDA error: an illegal memory access was encountered"), ValueError("odd"), InputError("a.png: odd")],
)
def test_other_errors_are_left_alone(failure: Exception) -> None:
    with pytest.raises(type(failure)) as caught:
        Backend(failure).answers(PHOTOS)
    assert caught.value is failure


def test_answers_and_further_arguments_pass_through() -> None:
    assert Backend(None).answers(PHOTOS, flip=True) == [True] * 4
    assert Backend(None).answers([]) == []


def test_real_allocations_are_recognised() -> None:
    """The libraries' own errors for more memory than any machine has."""

    @memory_errors_named
    def answers(allocate: Callable[[], object], photos: Sequence[Photo]) -> None:
        allocate()

    for allocate in (lambda: torch.empty(2**46), lambda: np.empty(2**60, np.uint8)):
        with pytest.raises(NoMemoryError, match="Lower pretrained.batch"):
            answers(allocate, PHOTOS)
