"""Sizes of the network."""

from dataclasses import dataclass
from typing import Annotated

from pipeline.config.ranges import Between


@dataclass(frozen=True)
class NetworkSize:
    """The defaults are those of the released checkpoint.

    Raises:
        ValueError: such a network cannot be built.
    """

    image: Annotated[int, Between(1, 2048)] = 518
    """Side of the square images in pixels."""
    patch: Annotated[int, Between(1, 64)] = 14
    """Side of a patch in pixels."""
    dim: Annotated[int, Between(1, 8192)] = 1024
    """Features of a token."""
    heads: Annotated[int, Between(1, 256)] = 16
    hidden: Annotated[int, Between(1, 65536)] = 4096
    """Width of the blocks' multilayer perceptrons."""
    encoder_depth: Annotated[int, Between(1, 100)] = 24
    """Blocks of the patch encoder."""
    depth: Annotated[int, Between(1, 100)] = 24
    """Pairs of a frame and a global block."""
    registers: Annotated[int, Between(1, 64)] = 4
    """Register tokens, of the encoder and of the aggregator."""

    def __post_init__(self) -> None:
        smallest = min(vars(self), key=vars(self).__getitem__)
        if getattr(self, smallest) < 1:
            raise ValueError(f"'{smallest}' must be at least 1; found {getattr(self, smallest)}.")
        if self.image % self.patch:
            raise ValueError(f"'image' must be a multiple of 'patch' ({self.patch}); found {self.image}.")
        if self.dim % (4 * self.heads):
            # A head's features are the quarters of `rotary.rotate`.
            raise ValueError(f"'dim' must be a multiple of 4 'heads' ({4 * self.heads}); found {self.dim}.")

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.image // self.patch
