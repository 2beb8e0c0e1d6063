"""Reading Orient Anything's checkpoint: what is kept, what is refused, and in which state the network comes back."""

import json

import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.labels.poses.orient_anything.checkpoint import load_network
from pipeline.labels.poses.orient_anything.network import OrientNetwork
from pipeline.labels.poses.orient_anything.size import NetworkSize
from support.orient_anything_tiny import TINY, random_state, write_checkpoint

FOREIGN = {
    "vggt.depth_head.norm.weight": torch.ones(3),
    "vggt.camera_head.token_norm.bias": torch.ones(2),
    "vggt.track_head.tracker.weight": torch.ones(1),
}
TOKEN = "vggt.aggregator.camera_token"


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        load_network(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_round_trip_with_the_unused_heads(tmp_path):
    state = random_state()
    network = load_network(write_checkpoint(tmp_path, {**FOREIGN, **state}))
    loaded = network.state_dict()
    assert loaded.keys() == state.keys()
    for name, value in state.items():
        assert torch.equal(loaded[name], value), name
    assert not any(value.is_meta for value in [*network.parameters(), *network.buffers()])


def test_loaded_network_is_the_network_of_these_tensors(tmp_path):
    state, views = random_state(), torch.rand(3, 2, 3, 42, 42, generator=torch.Generator().manual_seed(1))
    direct = OrientNetwork(TINY).eval()
    direct.load_state_dict(state)
    first, second = (load_network(write_checkpoint(tmp_path / name, state)) for name in "ab")
    assert torch.equal(first(views), direct(views))
    assert torch.equal(first(views), second(views))


def test_loaded_network_uses_the_running_statistics(tmp_path):
    """In training mode the answer for a view would depend on the others of its batch."""
    network = load_network(write_checkpoint(tmp_path, random_state()))
    assert not any(module.training for module in network.modules())
    views = torch.rand(4, 1, 3, 42, 42, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(network(views)[:1], network(views[:1]), rtol=0, atol=1e-5)
    assert (network.train()(views)[:1] - network.eval()(views)[:1]).abs().max() > 1e-2


def test_loaded_parameters_are_float32_and_not_trained(tmp_path):
    state = {name: value.bfloat16() if value.is_floating_point() else value for name, value in random_state().items()}
    network = load_network(write_checkpoint(tmp_path, state))
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert not any(value.requires_grad for value in network.parameters())


def test_missing_keys_are_named(tmp_path):
    state = random_state()
    del state[TOKEN], state["tgt_sampler.net2.1.running_mean"]
    message = refusal(write_checkpoint(tmp_path, state))
    assert f"has not {TOKEN}, tgt_sampler.net2.1.running_mean. Fetch" in message


@pytest.mark.parametrize(
    "name",
    [
        "vggt.aggregator.frame_blocks.2.ls1.gamma",
        "ref_sampler.net3.weight",
        "optimizer.step",
        "vggt.head.weight",
        "depth_head.weight",
    ],
)
def test_unknown_keys_are_named(tmp_path, name):
    message = refusal(write_checkpoint(tmp_path, {**random_state(), name: torch.ones(1)}))
    assert f"this file has the unknown {name}. Fetch" in message


def test_wrong_shapes_are_named(tmp_path):
    message = refusal(write_checkpoint(tmp_path, {**random_state(), TOKEN: torch.ones(1, 2, 1, 8)}))
    assert f"has in another shape {TOKEN} [1, 2, 1, 8] instead of [1, 2, 1, 16]. Fetch" in message


def test_without_sizes_beside_it_a_checkpoint_is_a_released_one(tmp_path):
    message = refusal(write_checkpoint(tmp_path, random_state(), size=None))
    full, tiny = 1210 + 28, len(random_state())
    assert f"expected the {full} tensors" in message
    assert f"and {full - tiny - 3} more; has in another shape" in message
    assert "vggt.aggregator.camera_token [1, 2, 1, 16] instead of [1, 2, 1, 1024]" in message
    assert NetworkSize().image == 518


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_truncated_files_are_refused(tmp_path, share):
    path = write_checkpoint(tmp_path, random_state())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "truncated, damaged or something else" in refusal(path)


@pytest.mark.parametrize("content", [b"no checkpoint", b"<html>404</html>" * 50, bytes(100)])
def test_other_files_are_refused(tmp_path, content):
    path = write_checkpoint(tmp_path, random_state())
    path.write_bytes(content)
    assert "a PyTorch file of named tensors, found" in refusal(path)


class Payload:
    """Would create a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_files_with_code_are_refused_and_not_run(tmp_path):
    path = write_checkpoint(tmp_path, {**random_state(), "payload": Payload(tmp_path / "ran")})
    message = refusal(path)
    assert "a PyTorch file of named tensors, found" in message and "Unsupported global: GLOBAL" in message
    assert "\x1b" not in message and "weights_only" not in message
    assert not (tmp_path / "ran").exists()


def test_other_kinds_of_numbers_are_refused(tmp_path):
    state = random_state()
    message = refusal(write_checkpoint(tmp_path, {**state, TOKEN: state[TOKEN].to(torch.int64)}))
    assert f"this file has as another kind of number {TOKEN} torch.int64. Fetch" in message


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}])
def test_other_contents_are_refused(tmp_path, content):
    path = write_checkpoint(tmp_path, random_state())
    torch.save(content, path)
    assert "a PyTorch file of named tensors, found" in refusal(path)


def test_missing_file_is_refused(tmp_path):
    message = refusal(tmp_path / "orient-anything-v2/demo_ckpts/absent.pt")
    assert "found none. Fetch the released checkpoint: `semagic weights orient-anything-v2`." in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected the sizes of a network as JSON"),
        ('{"width": 3}', "unknown parameter 'width'"),
        (json.dumps({**vars(TINY), "depth": 10**9}), "parameter 'depth' must be from 1 to 100; found 1000000000"),
        ("[" * 50_000, "expected the sizes of a network as JSON"),
        (json.dumps({**vars(TINY), "image": 43}), "'image' must be a multiple of 'patch' (14); found 43"),
        (json.dumps({**vars(TINY), "dim": "16"}), "parameter 'dim' must be a value of type int; found '16'"),
    ],
)
def test_wrong_sizes_are_refused(tmp_path, content, message):
    path = write_checkpoint(tmp_path, random_state())
    path.with_name("config.json").write_text(content)
    with pytest.raises(InputError) as caught:
        load_network(path)
    assert "config.json" in str(caught.value) and message in str(caught.value)
