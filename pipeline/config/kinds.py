"""Kinds of parameters: the types that most fields have, with their ranges."""

from typing import Annotated

from pipeline.config.ranges import Above, AtLeast, Between, Like

Count = Annotated[int, AtLeast(1)]
"""Number of things of which there is one at least."""
Channels = Annotated[int, Between(1, 8192)]
"""Width of a layer, whose weights are as many as its square."""
Pixels = Annotated[int, Between(1, 4096)]
"""Side of a square image, which is held in memory many times."""
LARGEST_SEED = 2**32 - 1
Seed = Annotated[int, Between(0, LARGEST_SEED)]
"""Seed that every generator of random numbers takes."""
Amount = Annotated[float, AtLeast(0)]
"""A weight, a standard deviation or a tolerance, which 0 switches off."""
Size = Annotated[float, Above(0)]
"""A length or a factor by which something is divided."""
Share = Annotated[float, Between(0, 1)]
"""A part of a whole."""
Rate = Annotated[float, Between(0, 1)]
"""A learning rate of Adam, whose steps it bounds; 0 learns nothing."""
Line = Annotated[str, Like(r"[^\x00-\x1f\x7f]{0,1000}", "one line of text, of at most 1000 characters")]
"""A path or a name that may be left out."""
Name = Annotated[str, Like(r"[^\x00-\x1f\x7f]{1,1000}", "one line of text, of 1 to 1000 characters")]
"""A path or a name."""
Key = Annotated[str, Like(r"[A-Za-z0-9_]{1,100}", "named by letters, digits and '_', at most 100")]
"""A name that stands in paths, in names of stages and in dotted keys."""
Device = Annotated[str, Like(r"auto|cpu|cuda(:[0-9]{1,3})?", "auto, cpu, cuda, or cuda:N with N from 0 on")]
"""A device of torch."""
