"""Orient Anything's network: the released checkpoint's keys and shapes, and values against a slow reference."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.labels.poses.orient_anything.network import OrientNetwork
from pipeline.labels.poses.orient_anything.rotary import grid_rotary, rotate
from pipeline.labels.poses.orient_anything.size import NetworkSize
from support import orient_anything_reference as reference
from support.orient_anything_tiny import TINY, random_state

BLOCK_KEYS = {
    "norm1.weight",
    "norm1.bias",
    "attn.qkv.weight",
    "attn.qkv.bias",
    "attn.proj.weight",
    "attn.proj.bias",
    "ls1.gamma",
    "norm2.weight",
    "norm2.bias",
    "mlp.fc1.weight",
    "mlp.fc1.bias",
    "mlp.fc2.weight",
    "mlp.fc2.bias",
    "ls2.gamma",
}
QK_NORM_KEYS = {"attn.q_norm.weight", "attn.q_norm.bias", "attn.k_norm.weight", "attn.k_norm.bias"}
CLASSIFIER_KEYS = {
    f"{net}.{key}"
    for net in ("net1", "net2")
    for key in (
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    )
}


@pytest.fixture(scope="module")
def released() -> OrientNetwork:
    with torch.device("meta"):
        return OrientNetwork(NetworkSize())


def double(state: dict[str, torch.Tensor]) -> OrientNetwork:
    network = OrientNetwork(TINY).double()
    network.load_state_dict(state)
    return network.requires_grad_(False).eval()


def random_views(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(*shape, 3, 42, 42, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def below(network: OrientNetwork, prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name in network.state_dict() if name.startswith(prefix)}


def test_released_network_has_the_keys_of_its_checkpoint(released):
    encoder = {
        "cls_token",
        "pos_embed",
        "register_tokens",
        "mask_token",
        "patch_embed.proj.weight",
        "patch_embed.proj.bias",
        "norm.weight",
        "norm.bias",
    } | {f"blocks.{i}.{key}" for i in range(24) for key in BLOCK_KEYS}
    turns = {f"{i}.{key}" for i in range(24) for key in BLOCK_KEYS | QK_NORM_KEYS}
    expected = {
        "vggt.aggregator.patch_embed.": (encoder, 344),
        "vggt.aggregator.frame_blocks.": (turns, 432),
        "vggt.aggregator.global_blocks.": (turns, 432),
        "ref_sampler.": (CLASSIFIER_KEYS, 14),
        "tgt_sampler.": (CLASSIFIER_KEYS, 14),
    }
    for prefix, (keys, count) in expected.items():
        assert below(released, prefix) == keys, prefix
        assert len(keys) == count
    assert len(below(released, "vggt.")) == len(below(released, "vggt.aggregator.")) == 1210
    assert {"camera_token", "register_token"} < below(released, "vggt.aggregator.")
    assert len(released.state_dict()) == 1210 + 2 * 14


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("patch_embed.cls_token", (1, 1, 1024)),
        ("patch_embed.pos_embed", (1, 1 + 37 * 37, 1024)),
        ("patch_embed.register_tokens", (1, 4, 1024)),
        ("patch_embed.mask_token", (1, 1024)),
        ("patch_embed.patch_embed.proj.weight", (1024, 3, 14, 14)),
        ("patch_embed.blocks.23.attn.qkv.weight", (3072, 1024)),
        ("patch_embed.blocks.0.mlp.fc1.weight", (4096, 1024)),
        ("frame_blocks.0.attn.q_norm.weight", (64,)),
        ("global_blocks.23.mlp.fc2.weight", (1024, 4096)),
        ("global_blocks.23.ls2.gamma", (1024,)),
        ("camera_token", (1, 2, 1, 1024)),
        ("register_token", (1, 2, 4, 1024)),
    ],
)
def test_released_aggregator_has_the_shapes_of_its_checkpoint(released, name, shape):
    assert released.state_dict()[f"vggt.aggregator.{name}"].shape == shape


def test_released_classifiers_have_the_shapes_of_their_checkpoint(released):
    for name in ("ref_sampler", "tgt_sampler"):
        state = getattr(released, name).state_dict()
        assert state["net1.0.weight"].shape == (900, 2048)
        assert state["net2.0.weight"].shape == (900, 900)
        assert state["net2.1.running_var"].shape == (900,)


def test_released_network_has_the_published_number_of_parameters(released):
    """909.1 million in the aggregator and 5.3 million in the classifiers."""
    count = {name: sum(p.numel() for p in part.parameters()) / 1e6 for name, part in released.named_children()}
    assert count["vggt"] == pytest.approx(909.1, abs=0.1)
    assert count["ref_sampler"] + count["tgt_sampler"] == pytest.approx(5.3, abs=0.1)
    assert sum(count.values()) == pytest.approx(914.4, abs=0.1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_logits_equal_the_slow_reference(count):
    state, views = random_state(dtype=torch.float64), random_views(2, count)
    result = double(state)(views).numpy()
    arrays = {name: value.numpy() for name, value in state.items()}
    expected = np.array([reference.logits(arrays, item, TINY.patch, TINY.heads) for item in views.numpy()])
    assert result.shape == (2, count, 900)
    assert expected.std() > 0.1
    np.testing.assert_allclose(result, expected, atol=1e-9)


@pytest.mark.parametrize("name", ["camera_token", "register_token"])
def test_first_view_has_its_own_special_tokens(name):
    """Of one view alone only variant 0 matters; the second variant is that of every further view."""
    key, state = f"vggt.aggregator.{name}", random_state(dtype=torch.float64)
    changed = {**state, key: state[key].clone()}
    changed[key][:, 1] += torch.arange(16) / 16  # A constant would fall to the layer norms.
    one, two = random_views(1, 1), random_views(1, 2)
    torch.testing.assert_close(double(changed)(one), double(state)(one), rtol=0, atol=0)
    assert (double(changed)(two) - double(state)(two)).abs().max() > 1e-3


def test_every_tensor_but_the_mask_token_has_an_effect():
    """Of two views; with one view alone the second classifier would have none."""
    state, views, generator = random_state(dtype=torch.float64), random_views(1, 2), torch.Generator().manual_seed(2)
    before = double(state)(views)
    for name, value in state.items():
        # Layer norms take back a common factor or summand.
        changed = value + torch.rand(value.shape, generator=generator)
        effect = (double({**state, name: changed})(views) - before).abs().max().item()
        if name.endswith(("mask_token", "num_batches_tracked")):
            assert effect == 0, name
        else:
            assert effect > 1e-5, name


def test_views_of_an_object_see_each_other_and_other_objects_not():
    network, views = double(random_state(dtype=torch.float64)), random_views(2, 2)
    before, changed = network(views), views.clone()
    changed[0, 1] = 1 - changed[0, 1]
    after = network(changed)
    assert (after[0, 0] - before[0, 0]).abs().max() > 1e-3
    torch.testing.assert_close(after[1], before[1], rtol=0, atol=1e-12)


def test_rotary_scores_depend_on_differences_of_positions_only():
    rotary = grid_rotary(3, 0, torch.zeros(0, dtype=torch.float64), 8)
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(8, generator=generator, dtype=torch.float64).expand(1, 1, 9, 8) for _ in range(2))
    scores = (rotate(q, rotary) @ rotate(k, rotary).mT)[0, 0]
    # Cells are numbered row by row: 0 -> 4 and 4 -> 8 go one down and one right, 0 -> 5 goes further.
    assert scores[0, 4] == pytest.approx(scores[4, 8].item(), abs=1e-12)
    assert scores[1, 3] == pytest.approx(scores[4, 6].item(), abs=1e-12)
    assert abs(scores[0, 4] - scores[0, 5]) > 1e-3 and abs(scores[0, 4] - scores[0, 7]) > 1e-3


def test_special_tokens_are_not_turned():
    rotary = grid_rotary(2, 3, torch.zeros(0), 8)
    x = torch.randn(1, 2, 7, 8, generator=torch.Generator().manual_seed(0))
    turned = rotate(x, rotary)
    torch.testing.assert_close(turned[:, :, :3], x[:, :, :3], rtol=0, atol=0)
    assert ((turned[:, :, 3:] - x[:, :, 3:]).abs().amax(-1) > 1e-3).all()


@pytest.mark.parametrize("shape", [(1, 1, 3, 56, 56), (1, 1, 3, 42, 28), (1, 0, 3, 42, 42)])
def test_views_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"must be \[B, S >= 1, 3, 42, 42\]; found"):
        OrientNetwork(TINY)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": 40}, "'image' must be a multiple of 'patch' (14); found 40"),
        ({"dim": 20}, "'dim' must be a multiple of 4 'heads' (8); found 20"),
        ({"depth": 0}, "'depth' must be at least 1; found 0"),
    ],
)
def test_impossible_sizes_are_refused(changes, message):
    with pytest.raises(ValueError) as caught:
        dataclasses.replace(TINY, **changes)
    assert message in str(caught.value)
