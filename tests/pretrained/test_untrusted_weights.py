"""Files of weights that lie about themselves: found out before memory or time is spent on what they claim."""

import json
import random
import shutil
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from pipeline.base.errors import InputError
from pipeline.pretrained.configuration import read_configuration
from pipeline.pretrained.loading import load_network
from pipeline.pretrained.memory import placed
from pipeline.pretrained.tensor_header import Holding, read_holding
from pipeline.pretrained.torch_file import read_tensors
from support.tiny_networks import write_tiny_dinov2

ARRAYS = {"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16), "empty": np.zeros((0, 7), np.int64)}


def with_header(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A file of tensors whose header was changed; the data stay."""
    content = save(ARRAYS)
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def test_holding_is_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(ARRAYS, metadata={"format": "pt"}))
    assert read_holding(path) == Holding(3, 12 + 5)
    path.write_bytes(save({}))
    assert read_holding(path) == Holding(0, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found 0 bytes, of which the header would be 0"),
        (b"\x10", "found 1 bytes"),
        (save(ARRAYS)[:-1], "bytes, where its header claims"),
        (save(ARRAYS) + b"\0", "bytes, where its header claims"),
        (save(ARRAYS)[:40], "of which the header would be"),
        (struct.pack("<Q", 2**63) + b"{}", f"of which the header would be {2**63}"),
        (struct.pack("<Q", 4) + b"[[[[", "a header that is none"),
        (struct.pack("<Q", 2) + b"[]", "a header that is none"),
        (struct.pack("<Q", 20000) + b"[" * 20000, "a header that is none"),
        (b"<html>404 Not Found</html>", "of which the header would be"),
        (
            with_header(lambda header: header["a"].update(shape=[2**40, 4])),
            r"\[1099511627776, 4\] numbers of F32 in 48",
        ),
        (with_header(lambda header: header["a"].update(shape=[2**62] * 100_000)), "100000 dimensions"),
        (with_header(lambda header: header["a"].update(shape=[-3, -4])), "no natural number"),
        (with_header(lambda header: header["a"].update(shape=[3.0, 4])), "no natural number"),
        (with_header(lambda header: header["a"].update(shape=["3", 4])), "no natural number"),
        (with_header(lambda header: header["a"].update(dtype="F64")), "numbers of F64 in 48"),
        (with_header(lambda header: header["a"].update(dtype="X9")), "KeyError: 'X9'"),
        (with_header(lambda header: header["a"].update(data_offsets=[0, 2**50])), "in 1125899906842624 bytes"),
        (with_header(lambda header: header["a"].pop("shape")), "KeyError: 'shape'"),
        (with_header(lambda header: header.update(a=7)), "TypeError"),
        (with_header(lambda header: header.pop("b")), "bytes, where its header claims|a gap or an overlap"),
        (with_header(lambda header: header.update(c=header["a"])), "a gap or an overlap"),
    ],
)
def test_header_that_contradicts_the_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=rf"^{path}: expected the weights .*({message}).*`semagic weights {tmp_path.name}`"
    ):
        read_holding(path)


def test_any_change_of_a_header_is_harmless_or_refused(tmp_path: Path) -> None:
    draw, content, path = random.Random(0), save(ARRAYS), tmp_path / "model.safetensors"
    (length,) = struct.unpack("<Q", content[:8])
    refused = 0
    tracemalloc.start()
    for _ in range(400):
        changed = bytearray(content)
        for _ in range(draw.randint(1, 3)):
            changed[draw.randrange(8 + length)] = draw.randrange(256)
        path.write_bytes(changed)
        try:
            # At most the names and the order of the tensors are others.
            assert read_holding(path).numbers <= 17
        except InputError as error:
            refused += str(error).startswith(f"{path}: expected")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused > 300 and peak < 10e6


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    write_tiny_dinov2(folder)
    return folder


def test_network_larger_than_its_weights_is_never_built(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(network, folder)
    configuration = json.loads((folder / "config.json").read_text())
    for key, value in [("num_hidden_layers", 60_000), ("hidden_size", 60_000), ("image_size", 60_000)]:
        (folder / "config.json").write_text(json.dumps({**configuration, key: value}))
        start = time.perf_counter()
        with pytest.raises(
            InputError, match=r"config\.json: .*not those of model\.safetensors, which holds 43 tensors"
        ):
            load_network(folder, {"dinov2": "Dinov2Model"}, torch.device("cpu"))
        assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden_layers": 10**9}, "1000000000 at 'num_hidden_layers', more than 65536"),
        ({"stage_names": [["x"], -(10**9)]}, "-1000000000 at 'stage_names'"),
        ({"layer_norm_eps": float("nan")}, "nan at 'layer_norm_eps'"),
        ({"attn_implementation": "some/kernel"}, "the key 'attn_implementation'"),
        ({"deep": [{"_attn_implementation": "some/kernel"}]}, "the key '_attn_implementation'"),
        ({"quantization_config": {"quant_method": "awq"}}, "the key 'quantization_config'"),
        ({"auto_map": {"AutoModel": "code.Model"}}, "the key 'auto_map'"),
        ({"transformers_weights": "../other.bin"}, "the key 'transformers_weights'"),
        ({"long": "x" * 2**20}, "found 104[0-9]+ bytes"),
    ],
)
def test_configuration_that_asks_for_more_than_a_network_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "dinov2", **change}))
    with pytest.raises(InputError, match=rf"^{tmp_path}/config\.json: expected .*{message}.*`semagic weights"):
        read_configuration(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"{", b"", b"[" * 50_000, b'{"a": ' + b"9" * 5000 + b"}", b"3"])
def test_configuration_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"^{tmp_path}/config\.json: expected the configuration of a network, found"):
        read_configuration(tmp_path)


def test_keys_without_a_value_are_no_harm(tmp_path: Path) -> None:
    content = {"model_type": "dinov2", "quantization_config": None, "sizes": [1, 2.5, True, None], "deep": {"a": "b"}}
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert read_configuration(tmp_path) == content


def test_configuration_of_another_network_names_both_files(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(network, folder)
    configuration = json.loads((folder / "config.json").read_text())
    for change, message in [
        ({"num_attention_heads": 0}, r"config\.json: .*ZeroDivisionError"),
        ({"hidden_act": "none"}, r"config\.json: .*KeyError"),
        ({"num_hidden_layers": "two"}, r"config\.json: .*Validation"),
        ({"mlp_ratio": 3}, r"model\.safetensors: .* config\.json are mismatched: .* instead of .* more"),
    ]:
        (folder / "config.json").write_text(json.dumps({**configuration, **change}))
        with pytest.raises(InputError, match=rf"^{folder}/{message}.*`semagic weights tiny`"):
            load_network(folder, {"dinov2": "Dinov2Model"}, torch.device("cpu"))


class TooLarge(torch.nn.Module):
    """A network that fits on no device."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    def to(self, *arguments: Any, **options: Any) -> Any:
        raise self.failure


def test_network_that_fits_on_no_device_names_the_model_and_the_remedy() -> None:
    failure = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nSee the documentation.")
    message = r"^big: expected memory .* \(CUDA out of memory. Tried to allocate 9 GiB.\)\. .*pretrained\.device to cpu"
    with pytest.raises(InputError, match=message):
        placed(TooLarge(failure), torch.device("cpu"), "big")
    with pytest.raises(RuntimeError, match="no such device"):
        placed(TooLarge(RuntimeError("no such device")), torch.device("cpu"), "big")


TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.int64)}


def read(path: Path) -> Any:
    return read_tensors(path, "a network", "Fetch it.")


def test_tensors_of_a_checkpoint_are_read(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "a.pt")
    found = read(tmp_path / "a.pt")
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def saved(path: Path, content: object) -> None:
    torch.save(content, path)


def compressed(path: Path, content: object) -> None:
    """The same archive with its entries compressed, as a bomb has them."""
    torch.save(content, path)
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def legacy(path: Path, content: object) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def archive(path: Path, content: object) -> None:
    with zipfile.ZipFile(path, "w") as stream:
        stream.writestr("anything.txt", "text")


@pytest.mark.parametrize(
    ("write", "content", "message"),
    [
        (compressed, TENSORS, "would take [0-9]+ bytes of memory"),
        (legacy, TENSORS, "truncated, damaged or something else"),
        (archive, None, "truncated, damaged or something else"),
        (saved, {}, "other content"),
        (saved, [1, 2], "other content"),
        (saved, TENSORS["a"], "other content"),
        (saved, {**TENSORS, "epoch": 3}, "something else at 'epoch'"),
        (saved, {"s": torch.eye(3).to_sparse()}, "something else at 's'"),
        (saved, {"run": print}, "truncated, damaged or something else"),
    ],
)
def test_checkpoint_of_another_kind_is_refused(
    tmp_path: Path, write: Callable[[Path, object], None], content: object, message: str
) -> None:
    write(tmp_path / "a.pt", content)
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/a\.pt: expected the weights of a network.*{message}.*Fetch it\."
    ):
        read(tmp_path / "a.pt")


def test_tensor_that_claims_terabytes_takes_no_memory(tmp_path: Path) -> None:
    torch.save({"huge": torch.zeros(1).expand(2**40)}, tmp_path / "a.pt")
    assert (tmp_path / "a.pt").stat().st_size < 5000
    assert read(tmp_path / "a.pt")["huge"].shape == (2**40,), "a view of one number"


def test_any_change_of_a_checkpoint_is_harmless_or_refused(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "whole.pt")
    draw, content, path = random.Random(0), (tmp_path / "whole.pt").read_bytes(), tmp_path / "a.pt"
    for _ in range(100):
        changed = bytearray(content[: draw.choice([len(content), draw.randrange(len(content))])])
        for _ in range(draw.randint(1, 4) if changed else 0):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(changed)
        try:
            assert all(isinstance(value, torch.Tensor) for value in read(path).values())
        except InputError as error:
            assert str(error).startswith(f"{path}: expected the weights of a network")
