"""The numbers of one training step, and which of them are not finite."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.training.objective import Terms


class Evaluated(NamedTuple):
    """The numbers of one step."""

    terms: Terms
    """Unweighted terms of the objective."""
    total: Float[Tensor, ""]
    """Weighted sum of the terms."""
    norms: dict[str, Float[Tensor, ""]]
    """Norm of the gradient of each group of weights, before it is clipped, and of that of refined pose labels."""
    turns: Float[Tensor, "B 3"] | None = None
    """Gradient by a turn of each rendered pose (`pipeline.training.label_turns`). None where labels stay as they are.
    """

    @property
    def finite(self) -> Bool[Tensor, ""]:
        """Whether all numbers are finite."""
        return torch.stack([*self.terms, self.total, *self.norms.values()]).isfinite().all()

    def not_finite(self) -> str:
        """Say what is not finite; empty if everything is."""
        terms = [name for name, value in self.terms._asdict().items() if not value.isfinite()]
        groups = [name for name, norm in self.norms.items() if not norm.isfinite()]
        if terms:
            return f"not finite: the term{'s' * (len(terms) > 1)} {', '.join(terms)}"
        if not self.total.isfinite():
            return "not finite: the weighted sum of the terms"
        return f"not finite: the gradient of {'; '.join(groups)}" if groups else ""
