"""Weights: which models a set of parameters needs, how they are fetched, and how a stage finds or misses them."""

import hashlib
import http.server
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml, to_yaml
from pipeline.config.params import load_params, parse_params
from pipeline.config.profiles import merge_text, read_profile
from pipeline.config.workspace import Workspace
from pipeline.downloads.pins import read_pins
from pipeline.downloads.required import required_models
from pipeline.downloads.weights import address, fetch_weights
from pipeline.labels.depth.label import label_depth
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses.label import label_poses
from pipeline.pretrained.weights import weights_folder
from support.command_line import semagic
from support.paths import ROOT
from support.tiny import tiny_params

CONFIG, MODEL = b'{"a": 1}', bytes(range(256)) * 40
SHA256 = hashlib.sha256(MODEL).hexdigest()
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")


@pytest.fixture
def workspace(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    files = {"config.json": (None, None), "model.safetensors": (len(MODEL), SHA256)}
    toy = {
        "title": "Toy Model",
        "repository": "somebody/toy",
        "revision": "abc",
        "licence": "CC-BY-NC-4.0, not for commercial use",
        "approximate_megabytes": 1,
        "files": {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in files.items()},
    }
    (tmp_path / "downloads.yaml").write_text(to_yaml({"releases": {}, "weights": {"toy": toy}}))
    return Workspace(tmp_path, load_params(tmp_path / "params.yaml"))


@pytest.fixture
def hub(monkeypatch):
    """A hub on this machine, with two files of one repository at one revision; yields them by path."""
    files = {
        "/somebody/toy/resolve/abc/config.json": CONFIG,
        "/somebody/toy/resolve/abc/model.safetensors": MODEL,
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield files
        server.shutdown()


def fetch(workspace):
    fetch_weights(workspace.pins, "toy", workspace.weights / "toy")


@needs_curl
def test_files_are_fetched_checked_and_recorded(workspace, hub, capsys):
    fetch(workspace)
    assert (workspace.weights / "toy/config.json").read_bytes() == CONFIG
    assert (workspace.weights / "toy/model.safetensors").read_bytes() == MODEL
    printed = capsys.readouterr().out
    assert "CC-BY-NC-4.0, not for commercial use" in printed and "recorded sha256" in printed
    pin = read_pins(workspace.pins).weights["toy"].files["config.json"]
    assert (pin.bytes, pin.sha256) == (len(CONFIG), hashlib.sha256(CONFIG).hexdigest())
    # Nothing is asked of the hub when everything is there.
    hub.clear()
    fetch(workspace)
    assert weights_folder(workspace, "toy") == workspace.weights / "toy"


@needs_curl
def test_what_the_hub_changes_after_the_first_download_is_refused(workspace, hub):
    fetch(workspace)
    (workspace.weights / "toy/config.json").unlink()
    hub["/somebody/toy/resolve/abc/config.json"] = b'{"a": 2}'
    with pytest.raises(InputError, match="expected 8 bytes and sha256"):
        fetch(workspace)
    assert not (workspace.weights / "toy/config.json").exists()


@needs_curl
@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "model.pt"])
def test_a_login_page_is_not_recorded_as_weights(workspace, hub, file):
    content = parse_yaml(workspace.pins.read_text())
    content["weights"]["toy"]["files"] = {file: {"bytes": None, "sha256": None}}
    workspace.pins.write_text(to_yaml(content))
    hub[f"/somebody/toy/resolve/abc/{file}"] = b"<html>Please log in.</html>"
    with pytest.raises(InputError, match=rf"{re.escape(file)}: expected .*found 27 bytes of something else"):
        fetch(workspace)
    assert not (workspace.weights / "toy" / file).exists()
    assert read_pins(workspace.pins).weights["toy"].files[file].sha256 is None


@needs_curl
def test_damaged_weights_are_found_by_the_command(workspace, hub):
    fetch(workspace)
    (workspace.weights / "toy/model.safetensors").write_bytes(MODEL[:-1] + b"x")
    with pytest.raises(InputError, match=r"model\.safetensors: expected .* found .*delete it and run this again"):
        fetch(workspace)


@needs_curl
def test_a_stage_refuses_other_weights_of_the_same_size(workspace, hub):
    fetch(workspace)
    (workspace.weights / "toy/model.safetensors").write_bytes(MODEL[:-1] + b"x")
    with pytest.raises(InputError, match=rf"expected sha256 {SHA256}, found .*damaged or another one"):
        weights_folder(workspace, "toy")


@needs_curl
def test_without_a_network_one_error_says_what_to_put_where(workspace, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    since = time.monotonic()
    with pytest.raises(
        InputError, match=r"Toy Model could not be downloaded.*\n.*put it at .*weights/toy/config\.json"
    ):
        fetch(workspace)
    assert time.monotonic() - since < 10


def test_missing_and_incomplete_weights_name_the_command_and_the_licence(workspace):
    expected = r"expected the weights of Toy Model, found none.*`semagic weights toy` \(licence: CC-BY-NC"
    with pytest.raises(InputError, match=expected):
        weights_folder(workspace, "toy")
    (workspace.weights / "toy").mkdir(parents=True)
    (workspace.weights / "toy/config.json").write_bytes(CONFIG)
    (workspace.weights / "toy/model.safetensors").write_bytes(MODEL[:-1])
    with pytest.raises(InputError, match="expected 10240 bytes of Toy Model, found 10239 bytes"):
        weights_folder(workspace, "toy")
    (workspace.weights / "toy/model.safetensors").write_bytes(MODEL)
    with pytest.raises(InputError, match=r"config\.json: its hash is not in downloads\.yaml yet"):
        weights_folder(workspace, "toy")
    with pytest.raises(InputError, match="Unknown model 'tyo' in downloads.yaml. Did you mean 'toy'"):
        weights_folder(workspace, "tyo")


@pytest.mark.parametrize(
    ("section", "backend", "label", "model"),
    [
        ("masks", "sam", label_masks, "sam-vit-huge"),
        ("masks", "segment_anything", label_masks, "segment-anything-vit_h"),
        ("depth", "depth_anything", label_depth, "depth-anything-v2-large"),
        ("poses", "orient_anything", label_poses, "orient-anything-v2"),
    ],
)
def test_a_stage_says_at_once_that_its_weights_are_missing(section, backend, label, model, tmp_path):
    shutil.copy(ROOT / "downloads.yaml", tmp_path)
    params = tiny_params(**{f"{section}__backend": backend})
    since = time.process_time()
    with pytest.raises(InputError, match=rf"`semagic weights {model}`"):
        label(Workspace(tmp_path, params), "car")
    assert time.process_time() - since < 1


@pytest.mark.parametrize("stage", ["masks", "depth", "poses", "features"])
def test_stages_load_no_network_library_before_they_need_it(stage):
    """So that an error is there within a second, and simulated labels are quick."""
    heavy = {"torch", "transformers", "segment_anything"}
    code = f"import sys, stages.{stage}; print(sorted({heavy} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert found == "[]\n"


def profile(name):
    text = (ROOT / "params.yaml").read_text()
    return parse_params(parse_yaml(merge_text(text, read_profile(ROOT / "profiles", name), name)))


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("smoke", ()),
        ("paper", ("sam-vit-huge", "depth-anything-v2-large", "orient-anything-v2", "dinov2-small")),
        ("permissive", ("sam-vit-base", "depth-anything-v2-small", "dinov2-small")),
    ],
)
def test_the_models_behind_the_backends_are_required(name, models):
    assert required_models(profile(name)) == models


def test_every_model_that_parameters_name_is_pinned():
    pins, params = read_pins(ROOT / "downloads.yaml"), load_params(ROOT / "params.yaml")
    for model in (
        params.masks.sam.model,
        params.masks.segment_anything.model,
        params.depth.depth_anything.model,
        params.poses.orient_anything.model,
        params.features.dinov2.model,
    ):
        assert model in pins.weights


def test_the_permissive_models_are_small_and_free_for_any_use():
    pins = read_pins(ROOT / "downloads.yaml")
    weights = [pins.weights[name] for name in required_models(profile("permissive"))]
    assert {one.licence for one in weights} == {"Apache-2.0"}
    assert sum(one.size for one in weights) < 0.6e9


def test_addresses():
    weights = read_pins(ROOT / "downloads.yaml").weights
    dino = "https://huggingface.co/facebook/dinov2-small/resolve/ed25f3a31f01632728cabb09d1542f84ab7b0056/config.json"
    assert address(weights["dinov2-small"], "config.json") == dino
    assert address(weights["segment-anything-vit_b"], "sam_vit_b_01ec64.pth").endswith("/sam_vit_b_01ec64.pth")


def test_the_command_fetches_what_the_parameters_need(workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "pipeline.downloads.weights.fetch_weights", lambda pins, name, folder: asked.append((name, folder))
    )
    done = semagic("weights", "--root", workspace.root)
    assert done.exit_code == 0 and asked == [] and "need none" in done.stdout
    assert semagic("weights", "toy", "--root", workspace.root).exit_code == 0
    assert asked == [("toy", workspace.weights / "toy")]
    listed = semagic("weights", "--list", "--root", workspace.root)
    assert "toy: Toy Model, about 1.0 MB\n  licence: CC-BY-NC" in listed.stdout
    assert len(asked) == 1
