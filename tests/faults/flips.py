"""Flip bits, one at a time, in the files of a finished run: `PYTHONPATH=tests python -m faults.flips build/smoke`.

Each file is read as the next stage would read it, and has to be called damaged; then the bit is set right again. The
places are drawn from a seed, the same number in each kind of output. The exit code is 1 if one was not found.
"""

import argparse
import os
import random
import sys
from collections import defaultdict
from pathlib import Path

from faults.kills import OUTPUTS
from pipeline.base.checksums import CHECKSUMS, DamagedFileError, checked, read_checksums


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("finished", type=Path, help="folder of a finished run")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    kinds = outputs(chosen.finished)
    each = -(-chosen.count // len(kinds))
    print("| output | files | bits flipped | found |\n|---|---:|---:|---:|")
    missed = []
    for kind, paths in sorted(kinds.items()):
        flipped = [(path := rng.choice(paths), rng.randrange(8 * path.stat().st_size)) for _ in range(each)]
        unseen = [place for place in flipped if not is_found(*place)]
        print(f"| {kind} | {len(paths)} | {each} | {each - len(unseen)} |")
        missed += unseen
    print(f"| all | {sum(map(len, kinds.values()))} | {each * len(kinds)} | {each * len(kinds) - len(missed)} |")
    for path, bit in missed:
        print(f"not found: bit {bit} of {path}")
    return int(bool(missed))


def outputs(run: Path) -> dict[str, list[Path]]:
    """The files of a run that have a checksum, by the top folder of the run that they are in."""
    kinds = defaultdict(list)
    for kind in OUTPUTS:
        for sums in sorted((run / kind).rglob(CHECKSUMS)):
            kinds[kind] += [sums.parent / name for name in read_checksums(sums.parent)]
    return kinds


def is_found(path: Path, bit: int) -> bool:
    """Whether a flipped bit is noticed when the file is read."""
    whole, status = path.read_bytes(), path.stat()
    torn = bytearray(whole)
    torn[bit // 8] ^= 1 << bit % 8
    try:
        path.write_bytes(torn)
        checked(path)
    except DamagedFileError as error:
        return str(path) in str(error)
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return False


if __name__ == "__main__":
    sys.exit(main())
