"""Comparison of the rasterizer with alternative renderers, on the same inputs in one run."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks import other_renderers
from benchmarks.machine import synchronise
from benchmarks.other_renderers import Actions, differentiable
from benchmarks.parts import Setting
from benchmarks.rasterizer import CHANNELS, absent_backends, available_backends, render, torch_threads
from benchmarks.scene import Scene, make_scene
from benchmarks.table import Table
from benchmarks.timing import interleaved, paired_ratio
from pipeline.fanout.machine import cores
from pipeline.rendering.rasterizer import make_rasterizer

BATCH = 2
OTHERS: dict[str, tuple[Callable[[Scene, int], Actions], tuple[str, ...]]] = {
    "soft rasterizer in torch": (other_renderers.soft, ("cpu", "cuda")),
    "deodr": (other_renderers.deodr, ("cpu",)),
    "kaolin DIB-R": (other_renderers.dib_renderer, ("cuda",)),
}
"""Function that makes each of the other renderers, and the devices that it runs on."""


class AlternativeRow(NamedTuple):
    """Times of one renderer: medians in milliseconds for the batch. The renderers take turns."""

    device: str
    renderer: str
    size: int
    faces: int
    forward_ms: float
    both_ms: float
    """Time of forward and backward together."""
    times_as_long: float
    """Ratio of `both_ms` to that of the first renderer on this device: the median over the rounds."""
    least: float
    most: float
    silhouette_iou: float
    """Intersection over union with the silhouette of the first renderer, both thresholded at one half."""


def measure_alternatives(setting: Setting) -> tuple[Table, ...]:
    """Measure all installed renderers on each device, with one thread for each core."""
    sizes = [(32, 300)] if setting.quick else [(64, 1000), (64, 2400), (128, 1000)]
    repeats = 1 if setting.quick else 3
    rows: list[AlternativeRow] = []
    missing: dict[str, str] = {}
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        for size, faces in sizes:
            with torch_threads(cores()):
                renderers = _renderers(device, make_scene(faces, BATCH, CHANNELS, device), size, missing)
                rows += _rows(device, renderers, size, faces, repeats)
    notes = [
        f"Batch {BATCH}, {CHANNELS} channels and the silhouette, gradients to positions and channels.",
        "The soft rasterizer is its published formula in PyTorch operations, every face at every pixel; its authors' "
        "is a CUDA kernel that leaves out faces far from the pixel.",
    ]
    if "deodr" not in missing:
        notes.append("deodr blurs a silhouette outwards: at one half it lies half a pixel further out.")
    notes += absent_backends()
    notes += [f"Not measured: {name}, {reason}." for name, reason in missing.items()]
    return (Table("Differentiable rasterizers", rows, notes),)


def _renderers(device: str, scene: Scene, size: int, missing: dict[str, str]) -> dict[str, Actions]:
    """Make the renderers of a device, those of the project first.

    Renderers that cannot run are added to `missing`, with the reason.
    """
    found = {}
    for name in (name for name, kind in available_backends() if kind == device):
        rasterizer = make_rasterizer(name, device)
        topology = rasterizer.topology(scene.tri, scene.pos.shape[1])

        def draw(scene: Scene, rasterizer=rasterizer, topology=topology) -> Tensor:
            return render(rasterizer, scene, size, topology)

        found[f"pipeline, {name}"] = differentiable(draw, scene)
    for name, (make, devices) in OTHERS.items():
        if device in devices:
            try:
                found[name] = make(scene, size)
            except ImportError as error:
                missing[name] = str(error)
        elif not torch.cuda.is_available():
            missing[name] = "it needs a GPU"
    return found


def _rows(device: str, renderers: dict[str, Actions], size: int, faces: int, repeats: int) -> list[AlternativeRow]:
    with warnings.catch_warnings():
        # numpy warns of deodr's vector products.
        warnings.simplefilter("ignore", DeprecationWarning)
        forward, both = (
            interleaved(
                {name: getattr(actions, kind) for name, actions in renderers.items()}, repeats, synchronise=synchronise
            )
            for kind in ("forward", "both")
        )
        silhouettes = {name: actions.silhouette() > 0.5 for name, actions in renderers.items()}
    first = next(iter(renderers))
    return [
        AlternativeRow(
            device,
            name,
            size,
            faces,
            forward[name].summary().median,
            both[name].summary().median,
            *paired_ratio(both[name], both[first]),
            float((silhouettes[name] & silhouettes[first]).sum() / (silhouettes[name] | silhouettes[first]).sum()),
        )
        for name in renderers
    ]
