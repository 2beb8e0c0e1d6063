"""The CPU's rasterizer against recordings of nvdiffrast, and whether the comparison would notice a difference."""

import re
import sys

import numpy as np
import pytest
import torch

from pipeline.rendering.cpu import CpuRasterizer
from pipeline.rendering.nvdiffrast import NvdiffrastRasterizer, nvdiffrast_obstacle
from support import golden_recordings, record_golden
from support import rasterizer_reference as reference
from support.golden_recordings import FOLDER, compare, read, record, write

CPU = CpuRasterizer(threads=1)
SCENES = tuple(golden_recordings.scenes(record_golden.SIZE))
SMALL = 32


@pytest.mark.parametrize("name", SCENES)
def test_the_cpu_computes_what_nvdiffrast_was_recorded_to(name):
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} has not been recorded: PYTHONPATH=tests python -m support.record_golden")
    compare(CPU, read(path))


@pytest.mark.parametrize("name", SCENES)
def test_the_cpu_computes_what_nvdiffrast_does_here(name):
    if reason := nvdiffrast_obstacle():
        pytest.skip(reason)
    compare(CPU, record(NvdiffrastRasterizer("cuda"), name, record_golden.SIZE, "cuda"))


def test_recordings_are_of_these_scenes_and_small():
    for path in FOLDER.glob("*.npz"):
        recording = read(path)
        pos, tri, _ = golden_recordings.scenes(record_golden.SIZE)[path.stem]
        np.testing.assert_allclose(recording.pos, pos.float().numpy(), atol=1e-6)
        assert np.array_equal(recording.tri, tri.numpy()) and path.stat().st_size <= golden_recordings.LARGEST_FILE


# The comparison itself, on a recording of the slow reference


@pytest.fixture(scope="module")
def recordings():
    return {name: record(reference, name, SMALL) for name in SCENES}


@pytest.mark.parametrize("name", SCENES)
def test_the_cpu_computes_what_the_reference_does(recordings, name):
    recording = recordings[name]
    compare(CPU, recording)
    # Every operation had something to do.
    assert (recording.rast[..., 3] > 0).mean() > 0.2 and (recording.antialiased != recording.color).any()
    for field in ("rast_pos", "interpolated_attr", "interpolated_rast", "antialiased_color", "antialiased_pos"):
        assert np.abs(getattr(recording, field)).max() > 1, field


def test_the_scenes_are_what_they_are_for():
    scenes = golden_recordings.scenes(SMALL)
    assert all(len(pos) == 2 and len(tri) <= 320 for pos, tri, _ in scenes.values())
    pos, _, _ = scenes["floor"]
    assert (pos[..., 3] > 0).all() and (pos[..., 2] < -pos[..., 3]).any() and (pos[..., 2] > pos[..., 3]).any()


def scaled(array):
    """All of it one per cent too large."""
    return array * 1.01


def one_wrong(array):
    """One value off by half a per cent of the largest, or by 2e-4 where that is more."""
    changed = array.copy()
    changed.flat[np.abs(array).argmax()] += max(0.005 * np.abs(array).max(), 2e-4)
    return changed


@pytest.mark.parametrize("change", [scaled, one_wrong])
@pytest.mark.parametrize(
    "field",
    [
        "interpolated",
        "antialiased",
        "rast_pos",
        "interpolated_attr",
        "interpolated_rast",
        "antialiased_color",
        "antialiased_pos",
    ],
)
def test_a_difference_is_noticed(recordings, field, change):
    recording = recordings["ball"]
    with pytest.raises(AssertionError, match=f"^{field}: differs"):
        compare(CPU, recording._replace(**{field: change(getattr(recording, field))}))


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_difference_in_the_weights_or_the_depth_is_noticed(recordings, channel):
    rast = recordings["ball"].rast.copy()
    covered = rast[..., 3] > 0
    rast[..., channel][covered] += 2e-4
    with pytest.raises(AssertionError, match="^rast: differs"):
        compare(CPU, recordings["ball"]._replace(rast=rast))


def test_a_shifted_image_is_noticed(recordings):
    rast = np.roll(recordings["ball"].rast, 1, axis=2)
    with pytest.raises(AssertionError, match="^faces: .* pixels differ"):
        compare(CPU, recordings["ball"]._replace(rast=rast))


def test_a_single_wrong_face_is_noticed(recordings):
    rast = recordings["ball"].rast.copy()
    b, r, c = np.argwhere(recordings["ball"].upstream_rast.any(-1) & (rast[..., 3] > 0))[0]
    rast[b, r, c, 3] = rast[b, r, c, 3] % 10 + 1
    with pytest.raises(AssertionError, match=r"^faces: .* (pixels from|passes within)"):
        compare(CPU, recordings["ball"]._replace(rast=rast))


# Files


def test_a_recording_survives_its_file(recordings, tmp_path):
    write(tmp_path / "golden" / "ball.npz", recordings["ball"])
    for expected, actual in zip(recordings["ball"], read(tmp_path / "golden" / "ball.npz"), strict=True):
        assert np.array_equal(expected, actual) and expected.dtype == actual.dtype


def test_full_size_recordings_are_small_files(tmp_path):
    for name in SCENES:
        write(tmp_path / f"{name}.npz", record(CPU, name, record_golden.SIZE))


def test_a_large_file_is_refused(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(golden_recordings, "LARGEST_FILE", 100)
    with pytest.raises(ValueError, match="more than 100"):
        write(tmp_path / "ball.npz", recordings["ball"])


@pytest.mark.parametrize("gpu", [False, True])
def test_nothing_but_nvdiffrast_is_recorded(monkeypatch, gpu):
    monkeypatch.setattr(sys, "argv", ["record_golden.py"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setitem(sys.modules, "nvdiffrast", None)
    monkeypatch.setattr(golden_recordings, "write", lambda *_: pytest.fail("wrote a recording"))
    with pytest.raises(SystemExit, match="not installed" if gpu else re.escape("needs an NVIDIA GPU")):
        record_golden.main()


def test_no_other_backend_can_be_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["record_golden.py", "--backend", "cpu"])
    with pytest.raises(SystemExit):
        record_golden.main()
    assert "unrecognized arguments: --backend cpu" in capsys.readouterr().err
