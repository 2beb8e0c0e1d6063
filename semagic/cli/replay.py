"""`semagic replay`: a training step that failed, once more."""

from pathlib import Path
from typing import Annotated

import typer


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The failed_step.safetensors that the training's error names.")
    ],
) -> None:
    """Compute a failed training step once more.

    A training that cannot go on leaves its last step in a file: weights, images, labels, parameters and random draws.
    The step is computed on the CPU. Its loss terms and the norms of its gradients are printed. Nothing is trained, and
    nothing in the file is executed.
    """
    from pipeline.training.replay import replay as compute
    from semagic.threads import one_thread

    with one_thread():
        failed, evaluated, reason = compute(file)
    names = (failed.data.names[i] for i in failed.draws.batch.index)
    print(f"Step {failed.step} of the training with seed {failed.seed}, on the images {', '.join(names)}:")
    if evaluated:
        terms, total, norms, _ = evaluated
        rows = {**terms._asdict(), "total": total, **{f"gradient of {name}": norm for name, norm in norms.items()}}
        width = max(map(len, rows))
        for name, value in rows.items():
            print(f"  {name:{width}}  {float(value):.6g}")
    print(f"The step fails again: {reason}." if reason else "The step is a good one here.")
