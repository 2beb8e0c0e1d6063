"""Pretrained networks: where they run, what of their files is refused, and the label stages that use them."""

import json
import shutil
import socket
import sys
from collections.abc import Callable
from logging import Handler
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.base.files import sha256
from pipeline.base.yaml_text import to_yaml
from pipeline.config.workspace import Workspace
from pipeline.hardware.device import choose_device
from pipeline.labels.depth import read_depth
from pipeline.labels.depth.depth_anything import DepthAnything
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features import read_tokens
from pipeline.labels.features.dinov2 import DinoV2Features
from pipeline.labels.features.label import label_features
from pipeline.labels.masks.label import label_masks
from pipeline.labels.masks.sam import SamMasks
from pipeline.photographs.crops import square_crop
from pipeline.photographs.image_files import read_mask, write_image
from pipeline.photographs.lists import write_instances
from pipeline.pretrained.pixels import BICUBIC, normalised, resized
from support.photographs import make_instance, make_photo
from support.summaries import read_summary
from support.tiny import tiny_params
from support.tiny_networks import write_tiny_depth_anything, write_tiny_dinov2, write_tiny_sam

CPU, KEY = torch.device("cpu"), "pretrained.device"
PARAMS = tiny_params()
BACKENDS = {
    "sam": (write_tiny_sam, lambda folder: SamMasks(PARAMS.masks, folder, CPU)),
    "depth": (write_tiny_depth_anything, lambda folder: DepthAnything(PARAMS.depth.depth_anything, folder, CPU)),
    "dinov2": (write_tiny_dinov2, lambda folder: DinoV2Features(PARAMS.features.dinov2, 4, folder, CPU)),
}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of all the tiny networks."""
    root = tmp_path_factory.mktemp("weights")
    for name, (write, _) in BACKENDS.items():
        write(root / name)
    return root


@pytest.fixture(params=list(BACKENDS))
def model(request: pytest.FixtureRequest, released: Path, tmp_path: Path) -> tuple[Path, Callable]:
    """A copy of one folder that a test may damage, and what loads it."""
    shutil.copytree(released / request.param, tmp_path / request.param)
    return tmp_path / request.param, BACKENDS[request.param][1]


def test_network_is_ready_for_inference_in_float32(model: tuple[Path, Callable]) -> None:
    folder, load = model
    weights = {name: value.half() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors")
    configuration = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**configuration, "dtype": "float16"}))
    network = load(folder).network
    assert not network.training
    for parameter in network.parameters():
        assert parameter.dtype == torch.float32 and not parameter.requires_grad
    loaded = network.state_dict()
    name = next(name for name in sorted(weights) if name.endswith("projection.weight"))
    torch.testing.assert_close(loaded[name], weights[name].float(), rtol=0, atol=0)


def remove_weights(folder: Path) -> str:
    (folder / "model.safetensors").unlink()
    return "model.safetensors: .* found no file"


def remove_configuration(folder: Path) -> str:
    (folder / "config.json").unlink()
    return "config.json: .* found no file"


def damage_configuration(folder: Path) -> str:
    path = folder / "config.json"
    path.write_text(path.read_text()[:-20])
    return "config.json: .* found a damaged file"


def list_configuration(folder: Path) -> str:
    (folder / "config.json").write_text("[]")
    return "config.json: .* found no mapping"


def truncate_weights(folder: Path) -> str:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    return "model.safetensors: .* bytes, where its header claims"


def pickle_weights(folder: Path) -> str:
    """Pickles run whatever code they hold."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return "model.safetensors: .* found no file"


def drop_a_weight(folder: Path) -> str:
    return change_weights(
        folder,
        lambda weights, name: weights.pop(name),
        "model.safetensors: .* 1 of those in its config.json are missing: ",
    )


def add_a_weight(folder: Path) -> str:
    def change(weights: dict, name: str) -> None:
        weights["somebody.elses"] = weights[name].clone()

    return change_weights(folder, change, "model.safetensors: .* are unexpected: somebody.elses")


def reshape_a_weight(folder: Path) -> str:
    def change(weights: dict, name: str) -> None:
        weights[name] = torch.cat([weights[name], weights[name]])

    return change_weights(
        folder, change, r"model.safetensors: .* are mismatched: .*projection.weight \[\d.* instead of \["
    )


def change_weights(folder: Path, change: Callable, message: str) -> str:
    weights = load_file(folder / "model.safetensors")
    change(weights, next(name for name in sorted(weights) if name.endswith("projection.weight")))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return message


@pytest.mark.parametrize(
    "damage",
    [
        remove_weights,
        remove_configuration,
        damage_configuration,
        list_configuration,
        truncate_weights,
        pickle_weights,
        drop_a_weight,
        add_a_weight,
        reshape_a_weight,
    ],
)
def test_incomplete_network_is_refused(model: tuple[Path, Callable], damage: Callable[[Path], str]) -> None:
    folder, load = model
    message = damage(folder)
    with pytest.raises(InputError, match=rf"^{folder}/{message}.*`semagic weights {folder.name}`"):
        load(folder)


def test_network_of_another_type_is_refused(released: Path) -> None:
    for wanted, found in [("sam", "dinov2"), ("depth", "dinov2"), ("dinov2", "depth")]:
        kind = {"dinov2": "dinov2", "depth": "depth_anything"}[found]
        with pytest.raises(InputError, match=rf"{found}/config\.json: expected a network of type .*, found '{kind}'"):
            BACKENDS[wanted][1](released / found)


def test_missing_library_is_named(model: tuple[Path, Callable], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, load = model
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"cannot be imported.*pip install"):
        load(folder)


def test_loading_is_silent_and_asks_no_server(
    model: tuple[Path, Callable], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    said, asked = [], []
    handler = Handler()
    handler.emit = said.append
    logging.add_handler(handler)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: asked.append(arguments))
    logging.enable_progress_bar()
    verbosity = logging.get_verbosity()
    folder, load = model
    load(folder)
    drop_a_weight(folder)
    with pytest.raises(InputError):
        load(folder)
    logging.remove_handler(handler)
    assert capfd.readouterr() == ("", "")
    assert not said and not asked
    assert logging.get_verbosity() == verbosity


def test_names_of_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    set_gpus(monkeypatch, 0)
    assert choose_device("auto", KEY) == choose_device("cpu", KEY) == CPU
    set_gpus(monkeypatch, 2)
    assert choose_device("auto", KEY) == choose_device("cuda", KEY) == torch.device("cuda")
    assert choose_device("cuda:1", KEY) == torch.device("cuda:1")
    assert choose_device("cpu", KEY) == CPU


@pytest.mark.parametrize(("name", "gpus"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_missing_gpu_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, gpus: int) -> None:
    set_gpus(monkeypatch, gpus)
    with pytest.raises(InputError, match=rf"pretrained\.device is '{name}'.* finds {gpus} GPUs.*Set it to auto or cpu"):
        choose_device(name, KEY)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cpu:0", "", "mps"])
def test_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"must be auto, cpu, cuda or cuda:N .*found '{name}'"):
        choose_device(name, KEY)


def set_gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_normalisation_of_known_pixels() -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = [255, 128, 0]
    expected = [[-0.485 / 0.229, 0.515 / 0.229], [-0.456 / 0.224, (128 / 255 - 0.456) / 0.224], [-0.406 / 0.225] * 2]
    np.testing.assert_allclose(normalised(image)[:, 0], expected, rtol=1e-5)


def test_resampling_to_the_same_size_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resized(image, 9, 7, BICUBIC), image)
    np.testing.assert_array_equal(resized(image, 4, 5, BICUBIC, (1.0, 2.0, 6.0, 6.0)), image[2:6, 1:6])


@pytest.fixture
def run(released: Path, tmp_path: Path) -> Workspace:
    """Two photographs without a truth, and the weights beside them."""
    shutil.copytree(released, tmp_path / "weights")
    names = {"train_a": "train", "test_a": "test"}
    for name, split in names.items():
        photo = make_photo(name, split)
        write_image(tmp_path / photo.instance.image, photo.image)
    params = tiny_params(
        masks__backend="sam",
        masks__sam__model="sam",
        # A random network draws no objects.
        masks__choice__box_overlap=0.0,
        masks__choice__box_share=0.0,
        depth__backend="depth_anything",
        depth__depth_anything__model="depth",
        depth__depth_anything__short_side=70,
        features__backend="dinov2",
        features__dinov2__model="dinov2",
        pretrained__device="cpu",
    )
    workspace = Workspace(tmp_path, params)
    write_instances(workspace.instances("car"), [make_instance(name, split) for name, split in names.items()])
    write_checksums(workspace.instances("car").parent)
    return workspace


def pin(folder: Path) -> dict[str, object]:
    """An entry of downloads.yaml for what is in a folder."""
    files = {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in folder.iterdir()}
    name = folder.name
    about = {"title": name, "licence": "none", "approximate_megabytes": 1, "repository": name, "revision": "main"}
    return {**about, "files": files}


def test_label_stages_run_on_networks(run: Workspace) -> None:
    weights = {folder.name: pin(folder) for folder in run.weights.iterdir()}
    run.pins.write_text(to_yaml({"releases": {}, "weights": weights}))
    assert label_masks(run, "car") == ("sam", 2, {})
    assert label_depth(run, "car") == ("depth_anything", 1, {})
    assert label_features(run, "dinov2", "car") == ("dinov2", 2, {})
    assert read_mask(run.masks("car") / "test_a.png").shape == (90, 120)
    assert set(json.loads((run.masks("car") / "test_a.json").read_text())) == {"score", "candidate"}
    assert read_depth(run.depth("car") / "train_a.npy", 90, 120).std() == pytest.approx(1, abs=0.2)
    stored = read_tokens(run.features("dinov2", "car") / "train_a.npz")
    assert stored.tokens.shape == (8, 8, 32) and stored.flipped is not None
    photo = make_photo("train_a")
    crop = square_crop(photo.instance.box, run.params.data.crop_margin)
    backend = DinoV2Features(run.params.features.dinov2, 8, run.root / "weights/dinov2", CPU)
    np.testing.assert_allclose(stored.flipped, backend.token_maps([photo], [crop], True)[0], atol=2e-3, rtol=1e-3)
    assert read_summary(run.masks("car")).done == 2
