"""The state of an unfinished training between two steps, and its form as bytes."""

from typing import NamedTuple

from torch import Tensor

from pipeline.training.setback import Setback
from pipeline.training.state_bytes import State, pack_state, unpack_state


class Checkpoint(NamedTuple):
    """Everything that the next step depends on; random draws depend on the step alone."""

    step: int
    """Number of steps done."""
    model: dict[str, Tensor]
    moments: dict[str, Tensor]
    """Moments of Adam (`pipeline.training.optimizer.get_moments`)."""
    average: dict[str, Tensor]
    """Averaged weights; empty before averaging begins."""
    curve: list[list[float]]
    """Rows of the loss curve so far."""
    setback: Setback | None
    """The training's return to an earlier state. None if there was none."""
    turns: Tensor | None = None
    """Turns of the pose labels [N, 3] (`pipeline.training.label_turns`). None where labels stay as they are."""
    machines: tuple[str, ...] = ()
    """Kinds of machines that have computed it (`pipeline.hardware.machine_kind`), the first first."""


def pack(checkpoint: Checkpoint) -> bytes:
    """Bytes of a checkpoint; equal checkpoints give equal bytes."""
    setback = checkpoint.setback and checkpoint.setback._asdict()
    labels = {} if checkpoint.turns is None else {"turns": checkpoint.turns}
    return pack_state(
        State(
            {
                "model": checkpoint.model,
                "moments": checkpoint.moments,
                "average": checkpoint.average,
                "labels": labels,
            },
            {
                "step": checkpoint.step,
                "curve": checkpoint.curve,
                "setback": setback,
                "machines": checkpoint.machines,
            },
        )
    )


def unpack(content: bytes) -> Checkpoint:
    """Read what `pack` made; tensors are on the CPU.

    Raises:
        ValueError: the bytes are something else.
    """
    tensors, description = unpack_state(content)
    try:
        step, curve, setback, machines = (description[name] for name in ("step", "curve", "setback", "machines"))
        setback = setback and Setback(**{**setback, "images": tuple(setback["images"])})
        machines = tuple(map(str, machines))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the description of a checkpoint ({error})") from error
    model, moments, average = (dict(tensors.get(name, {})) for name in ("model", "moments", "average"))
    turns = tensors.get("labels", {}).get("turns")
    return Checkpoint(step, model, moments, average, curve, setback, turns, machines)
