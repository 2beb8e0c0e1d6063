"""Damage to the bytes of a file of any format, as disks, networks, editors and strangers do it."""

import random
from collections.abc import Callable

Operator = Callable[[bytes, bytes, random.Random], bytes]
"""Function of the content, the content of another file, and a generator, to the damaged content."""


def flip_bit(content: bytes, other: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def change_bytes(content: bytes, other: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        damaged[rng.randrange(len(damaged))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    return bytes(damaged)


def truncate(content: bytes, other: bytes, rng: random.Random) -> bytes:
    return content[: rng.choice([0, 1, len(content) - 1, rng.randrange(len(content)), rng.randrange(len(content))])]


def extend(content: bytes, other: bytes, rng: random.Random) -> bytes:
    return content + rng.choice([b"\0", b"\n", b"\0" * 4096, rng.randbytes(100), other, content])


def zero_run(content: bytes, other: bytes, rng: random.Random) -> bytes:
    start, end = _range(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def swap_blocks(content: bytes, other: bytes, rng: random.Random) -> bytes:
    size = max(1, min(rng.choice([1, 4, 16, 512, 4096]), len(content) // 2))
    first, second = sorted((rng.randrange(len(content) - size + 1), rng.randrange(len(content) - size + 1)))
    second = max(second, first + size)
    middle, block = content[first + size : second], content[second : second + size]
    return content[:first] + block + middle + content[first : first + size] + content[second + size :]


def delete_range(content: bytes, other: bytes, rng: random.Random) -> bytes:
    start, end = _range(content, rng)
    return content[:start] + content[end:]


def duplicate_range(content: bytes, other: bytes, rng: random.Random) -> bytes:
    start, end = _range(content, rng)
    return content[:end] + content[start:end] * rng.choice([1, 1, 2, 50]) + content[end:]


def splice(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one file and the end of another, or the other in its place."""
    cut = rng.choice([0, rng.randrange(len(content) + 1)])
    return content[:cut] + other[rng.choice([0, cut, rng.randrange(len(other) + 1)]) :]


def random_numbers(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """A field of 2, 4 or 8 bytes holds a number that no writer would put there, as a size or an offset may."""
    size = rng.choice([2, 4, 8])
    value = rng.choice([0, 1, -1, 2 ** (8 * size - 1) - 1, -(2 ** (8 * size - 1)), rng.randrange(2 ** (8 * size - 1))])
    start = rng.randrange(len(content))
    return content[:start] + value.to_bytes(size, rng.choice(["little", "big"]), signed=True) + content[start + size :]


BYTE_OPERATORS: dict[str, Operator] = {
    operator.__name__: operator
    for operator in (
        *(flip_bit, change_bytes, truncate, extend, zero_run, swap_blocks, delete_range, duplicate_range, splice),
        random_numbers,
    )
}


def _range(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(content))
    return start, min(len(content), start + rng.choice([1, 2, 16, 512, 1 + rng.randrange(len(content))]))
