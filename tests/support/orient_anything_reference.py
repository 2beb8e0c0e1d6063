"""Orient Anything's network once more, slowly: NumPy, one view, one head, one token at a time, from named arrays."""

import math

import numpy as np

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def logits(state: dict[str, np.ndarray], views: np.ndarray, patch: int, heads: int) -> np.ndarray:
    """[S, 900] for the views [S, 3, H, W] of one object."""
    prefix, count, grid = "vggt.aggregator.", len(views), views.shape[-1] // patch
    tokens, positions = [], []
    for i, view in enumerate(views):
        variant = min(i, 1)
        special = [state[f"{prefix}camera_token"][0, variant, 0], *state[f"{prefix}register_token"][0, variant]]
        patches = encode(state, f"{prefix}patch_embed.", view, patch, heads)
        tokens.append(np.array([*special, *patches]))
        cells = [(row + 1, column + 1) for row in range(grid) for column in range(grid)]
        positions.append([(0, 0)] * len(special) + cells)
    length, depth = len(tokens[0]), len({name.split(".")[3] for name in state if ".frame_blocks." in name})
    for i in range(depth):
        framed = [
            block(state, f"{prefix}frame_blocks.{i}.", x, heads, 1e-5, where)
            for x, where in zip(tokens, positions, strict=True)
        ]
        where = [cell for view in positions for cell in view]
        everything = block(state, f"{prefix}global_blocks.{i}.", np.concatenate(framed), heads, 1e-5, where)
        tokens = [everything[s * length : (s + 1) * length] for s in range(count)]
    features = [np.concatenate([a[0], b[0]]) for a, b in zip(framed, tokens, strict=True)]
    names = ["ref_sampler", *["tgt_sampler"] * (count - 1)]
    return np.array([classify(state, name, x) for name, x in zip(names, features, strict=True)])


def encode(state, prefix, view, patch, heads):
    """Normalised patch tokens of one view."""
    image = (view - MEAN[:, None, None]) / STD[:, None, None]
    weight, bias = state[f"{prefix}patch_embed.proj.weight"], state[f"{prefix}patch_embed.proj.bias"]
    positions = state[f"{prefix}pos_embed"][0]
    patches = []
    for row in range(0, view.shape[1], patch):
        for column in range(0, view.shape[2], patch):
            window = image[:, row : row + patch, column : column + patch]
            patches.append(np.array([(window * kernel).sum() for kernel in weight]) + bias)
    patches = [x + where for x, where in zip(patches, positions[1:], strict=True)]
    registers = state[f"{prefix}register_tokens"][0]
    tokens = np.array([state[f"{prefix}cls_token"][0, 0] + positions[0], *registers, *patches])
    for i in range(len({name.split(".")[4] for name in state if name.startswith(f"{prefix}blocks.")})):
        tokens = block(state, f"{prefix}blocks.{i}.", tokens, heads, 1e-6, None)
    return layer_norm(state, f"{prefix}norm", tokens, 1e-6)[1 + len(registers) :]


def block(state, prefix, x, heads, eps, positions):
    x = x + state[f"{prefix}ls1.gamma"] * attention(
        state, f"{prefix}attn.", layer_norm(state, f"{prefix}norm1", x, eps), heads, positions
    )
    hidden = linear(state, f"{prefix}mlp.fc1", layer_norm(state, f"{prefix}norm2", x, eps))
    gelu = np.vectorize(lambda value: value * 0.5 * (1 + math.erf(value / math.sqrt(2))))
    return x + state[f"{prefix}ls2.gamma"] * linear(state, f"{prefix}mlp.fc2", gelu(hidden))


def attention(state, prefix, x, heads, positions):
    """With `positions` the queries and keys are normalised and turned."""
    dim = x.shape[1]
    size = dim // heads
    q, k, v = np.split(linear(state, f"{prefix}qkv", x), 3, axis=1)
    result = np.zeros_like(x)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        queries, keys = q[:, part], k[:, part]
        if positions is not None:
            queries = layer_norm(state, f"{prefix}q_norm", queries, 1e-5)
            keys = layer_norm(state, f"{prefix}k_norm", keys, 1e-5)
            queries = [turn(vector, *where) for vector, where in zip(queries, positions, strict=True)]
            keys = [turn(vector, *where) for vector, where in zip(keys, positions, strict=True)]
        for token, query in enumerate(queries):
            scores = np.array([query @ key / math.sqrt(size) for key in keys])
            weights = np.exp(scores - scores.max())
            result[token, part] = weights / weights.sum() @ v[:, part]
    return linear(state, f"{prefix}proj", result)


def turn(vector, y, x):
    """Half of the features turns by y, half by x: pairs (i, i + quarter) by position * 100^(-2i/half)."""
    half, turned = len(vector) // 2, np.zeros(len(vector))
    for start, position in ((0, y), (half, x)):
        for i in range(half // 2):
            angle = position * 100.0 ** (-2 * i / half)
            a, b = vector[start + i], vector[start + half // 2 + i]
            turned[start + i] = a * math.cos(angle) - b * math.sin(angle)
            turned[start + half // 2 + i] = b * math.cos(angle) + a * math.sin(angle)
    return turned


def layer_norm(state, name, x, eps):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * state[f"{name}.weight"] + state[f"{name}.bias"]


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def classify(state, name, x):
    x = batch_norm(state, f"{name}.net1.1", linear(state, f"{name}.net1.0", x))
    return batch_norm(state, f"{name}.net2.1", linear(state, f"{name}.net2.0", np.maximum(x, 0)))


def batch_norm(state, name, x):
    x = (x - state[f"{name}.running_mean"]) / np.sqrt(state[f"{name}.running_var"] + 1e-5)
    return x * state[f"{name}.weight"] + state[f"{name}.bias"]
