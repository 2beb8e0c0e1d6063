"""Lack of memory while a network looks at photographs, told as an error about these photographs."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from pipeline.base.errors import InputError, some
from pipeline.photographs.photo import Photo
from pipeline.pretrained.memory import memory_is_short

Method = TypeVar("Method", bound=Callable[..., Any])


class NoMemoryError(InputError):
    """A network found too little memory for some photographs, which may have enough another time."""


def memory_errors_named(method: Method) -> Method:
    """Make a backend's method raise NoMemoryError, which names photographs and remedy, where memory is short.

    Args:
        method: takes the photographs first.
    """

    @functools.wraps(method)
    def named(self: object, photos: Sequence[Photo], *others: Any, **options: Any) -> Any:
        try:
            return method(self, photos, *others, **options)
        except (MemoryError, RuntimeError) as error:
            if not memory_is_short(error):
                raise
            reason = str(error).split("\n")[0] or type(error).__name__
        # Raised here, because the traceback of the other error holds the tensors of the failed attempt in memory.
        raise NoMemoryError(
            f"{some([str(photo.path) for photo in photos], 3)}: the memory does not suffice for a network to look at "
            f"{len(photos)} photographs together ({reason}). Lower pretrained.batch in params.yaml, end what else uses "
            "the memory, or set pretrained.device to cpu."
        )

    return cast(Method, named)
