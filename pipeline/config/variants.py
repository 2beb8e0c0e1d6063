"""Variants of the method: named changes to the base parameters, or to another variant."""

from collections.abc import Mapping
from typing import Any

from pipeline.base.errors import InputError, nearest
from pipeline.config.kinds import Key
from pipeline.config.parsing import merged

Overlays = Mapping[Key, Mapping[str, Any]]
"""Named sets of nested changes to other parameters."""
VARIED = ("model", "loss", "training", "refine", "correspondence")
"""Sections that a variant may change; the others are shared by all cells."""
BASE = "base"
"""Key of a variant for the name of another one, whose changes are made before its own."""

LONGEST = 20
"""Number of variants that may rest on each other, from the first to the last."""


def with_bases(variants: Overlays, source: str) -> Overlays:
    """All changes of each variant: first those of its base, in turn with the changes of that one's base, then its own.

    Args:
        source: names the parameter file in errors.

    Raises:
        InputError: a base is no variant, or a variant is its own base.
    """
    return {name: _all_changes(variants, (name,), source) for name in variants}


def _all_changes(variants: Overlays, chain: tuple[str, ...], source: str) -> Mapping[str, Any]:
    """The changes of the last variant of `chain`, each of which is the base of the one before."""
    own = {name: value for name, value in variants[chain[-1]].items() if name != BASE}
    if BASE not in variants[chain[-1]]:
        return own
    base = variants[chain[-1]][BASE]
    where = f"{source}: variants.{chain[-1]}.{BASE}"
    if len(chain) == LONGEST:
        raise InputError(f"{where}: expected at most {LONGEST} variants that rest on each other. Give one no base.")
    if not isinstance(base, str) or base not in variants:
        raise InputError(f"{where}: no variant '{base}'. {nearest(str(base), variants)}")
    if base in chain:
        raise InputError(
            f"{where}: expected a variant that does not rest on this one, found the circle "
            f"{' -> '.join((*chain, base))}. Give one of them its changes without `{BASE}`."
        )
    return merged(_all_changes(variants, (*chain, base), source), own)
