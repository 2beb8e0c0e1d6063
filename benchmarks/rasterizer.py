"""Time of the rasterizer, forward and with backward, as a function of image size and number of faces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from benchmarks.machine import synchronise
from benchmarks.parts import Setting
from benchmarks.scene import Scene, make_scene
from benchmarks.table import Table
from benchmarks.timing import interleaved
from pipeline.base.errors import InputError
from pipeline.fanout.machine import cores
from pipeline.rendering.rasterizer import BACKENDS, Rasterizer, make_rasterizer

BATCH, CHANNELS = 8, 20


class RasterizerRow(NamedTuple):
    """Times of one backend at one size: medians in milliseconds for the whole batch."""

    backend: str
    device: str
    threads: int
    size: int
    faces: int
    covered: float
    """Share of the pixels that show a face."""
    forward_ms: float
    both_ms: float
    """Time of forward and backward together."""
    both_low_ms: float
    both_high_ms: float
    both_cpu_ms: float


def measure_rasterizer(setting: Setting) -> tuple[Table, ...]:
    """Measure every available backend at every size, on the CPU with one thread and with one for each core."""
    sizes, counts, repeats = ((64, 128, 256), (1000, 2400, 5000, 20000), 15)
    if setting.quick:
        sizes, counts, repeats = (32, 64), (300, 1000), 2
    rows = []
    for name, device in available_backends():
        for threads in sorted({1, cores()}) if device == "cpu" else [torch.get_num_threads()]:
            with torch_threads(threads):
                rasterizer = make_rasterizer(name, device)
                rows += [_row(rasterizer, device, threads, size, n, repeats) for size in sizes for n in counts]
    note = (
        f"Batch {BATCH}; {CHANNELS} channels interpolated, {CHANNELS + 1} antialiased; the topology is computed before."
    )
    return (Table("Rasterizer", rows, (note, *absent_backends())),)


def available_backends() -> Iterator[tuple[str, str]]:
    """List the backends that can be made on this machine, as pairs of name and device type."""
    for name, backend in BACKENDS.items():
        for device in backend.devices:
            if device == "cpu" or torch.cuda.is_available():
                try:
                    make_rasterizer(name, device)
                # The library of this backend is not installed.
                except (InputError, ImportError):
                    continue
                yield name, device


def absent_backends() -> list[str]:
    """Describe each backend that cannot be made on this machine in a sentence."""
    present = {name for name, _ in available_backends()}
    return [
        f"Not measured: {name}, it is not installed or finds no device." for name in BACKENDS if name not in present
    ]


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set PyTorch's number of threads within the context. A CPU rasterizer adopts it when it is made."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def render(rasterizer: Rasterizer, scene: Scene, size: int, topology: object) -> torch.Tensor:
    """Render antialiased attributes and silhouette: [B, size, size, C + 1]."""
    rast = rasterizer.rasterize(scene.pos, scene.tri, (size, size))
    image = rasterizer.interpolate(scene.attributes, rast, scene.tri)
    image = torch.cat([image, (rast[..., 3:] > 0).to(image.dtype)], -1)
    return rasterizer.antialias(image, rast, scene.pos, scene.tri, topology)


def forward_and_both(
    draw: Callable[[Scene], torch.Tensor], scene: Scene
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Make two actions: `draw` without gradients, and `draw` with gradients to positions and attributes.

    The loss is mean(image^2).
    """

    def forward() -> None:
        with torch.no_grad():
            draw(scene)

    def both() -> None:
        leaves = scene._replace(pos=scene.pos.clone(), attributes=scene.attributes.clone())
        leaves.pos.requires_grad_(), leaves.attributes.requires_grad_()
        draw(leaves).square().mean().backward()

    return forward, both


def _row(rasterizer: Rasterizer, device: str, threads: int, size: int, faces: int, repeats: int) -> RasterizerRow:
    scene = make_scene(faces, BATCH, CHANNELS, device)
    topology = rasterizer.topology(scene.tri, scene.pos.shape[1])
    forward, both = forward_and_both(lambda scene: render(rasterizer, scene, size, topology), scene)
    times = interleaved({"forward": forward, "both": both}, repeats, warmup=2, synchronise=synchronise)
    covered = float((rasterizer.rasterize(scene.pos, scene.tri, (size, size))[..., 3] > 0).float().mean())
    once, twice = times["forward"].summary(), times["both"].summary()
    return RasterizerRow(
        rasterizer.name,
        device,
        threads,
        size,
        len(scene.tri),
        covered,
        once.median,
        twice.median,
        twice.low,
        twice.high,
        twice.cpu,
    )
