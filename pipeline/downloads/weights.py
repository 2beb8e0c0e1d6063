"""Download and check the weights of one pretrained model."""

import os
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.downloads.addresses import check_address, without_secrets
from pipeline.downloads.digest import Digest, Pin, digest_of
from pipeline.downloads.disk import in_words
from pipeline.downloads.pins import Weights, find_weights, read_pins, record
from pipeline.downloads.plausible import check_weights_file
from pipeline.downloads.transfer import TransferError, download

HUB = "https://huggingface.co"
"""Default host of the model repositories. The environment variable HF_ENDPOINT may name a mirror instead."""


def fetch_weights(pins: Path, name: str, folder: Path) -> None:
    """Download the files of a model into `folder`.

    Files that exist already are compared with their pins. The hash of a file without a pin is recorded in
    downloads.yaml.

    Args:
        pins: path of downloads.yaml.
        name: key of the model in the section `weights` of downloads.yaml.
        folder: folder of the model's files.

    Raises:
        InputError: the name is unknown, a file cannot be downloaded, or a file differs from its pin.
    """
    weights = find_weights(read_pins(pins), name)
    print(describe(name, weights), flush=True)
    for file, pin in weights.files.items():
        path = folder / file
        found = _checked(path, pin) if path.is_file() else _downloaded(weights, file, path)
        if pin.sha256 is None:
            check_weights_file(path)
            record(pins, ("weights", name, "files", file), found)
            print(f"{pins}: recorded sha256 {found.sha256} for {path}. Commit it, and later downloads are checked.")
    print(f"{folder}: whole")


def describe(name: str, weights: Weights) -> str:
    """Describe name, size, licence and source of a model in three lines."""
    source = without_secrets(weights.url) if weights.url else f"{HUB}/{weights.repository} at {weights.revision}"
    return f"{name}: {weights.title}, about {in_words(weights.size)}\n  licence: {weights.licence}\n  {source}"


def address(weights: Weights, file: str) -> str:
    """URL of one file of the model.

    Raises:
        InputError: the environment variable HF_ENDPOINT is no address.
    """
    if weights.url is not None:
        return weights.url
    url = f"{os.environ.get('HF_ENDPOINT', HUB)}/{weights.repository}/resolve/{weights.revision}/{file}"
    check_address(url, "The environment variable HF_ENDPOINT, with the path of a file after it,")
    return url


def _estimate(weights: Weights, file: str) -> int:
    """Estimated size in bytes of a file without a recorded size. JSON files count as 0 beside the weights."""
    return 0 if file.endswith(".json") else weights.size


def _checked(path: Path, pin: Pin) -> Digest:
    found = digest_of(path)
    if difference := pin.difference(found):
        raise InputError(f"{path}: {difference}. It is damaged or another one: delete it and run this again.")
    return found


def _downloaded(weights: Weights, file: str, path: Path) -> Digest:
    pin = weights.files[file]
    try:
        return download(address(weights, file), path, pin, pin.bytes or _estimate(weights, file))
    except TransferError as error:
        raise InputError(
            f"{weights.title} could not be downloaded. {error}\n"
            f"  Or fetch that file by other means, put it at {path}, and run this again."
        ) from error
