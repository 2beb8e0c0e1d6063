"""The paper's claims, and whether they hold in this run, beyond the noise."""

from typing import NamedTuple

from pipeline.config.params import Bootstrap
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.reporting.bootstrap import Interval
from pipeline.reporting.differences import chamfer_difference, pck_difference
from pipeline.reporting.results import Results

PCK_CLAIMS = (
    ("ours", "mp_pose"),
    ("mp_pose", "mp_depth"),
    ("mp_depth", "mp"),
    ("ours", "wo_index"),
    ("ours", "wo_feat_cons"),
    ("ours", "wo_both"),
    ("ours", "wo_depth"),
    ("ours", "wo_pose"),
    ("ours", "nearest_neighbour"),
    ("ours", "pca_nearest_neighbour"),
)
"""(better, worse) rows of Table 1 by average PCK@0.1 (SEMAGIC sections 4.2 and 4.5)."""


class Claim(NamedTuple):
    """One claim and its outcome."""

    better: str
    worse: str
    measure: str
    """'PCK@0.1' or 'Chamfer distance'."""
    gain: Interval
    """How much better the first row is: positive if the claim holds."""

    @property
    def verdict(self) -> str:
        """Whether the claim holds in this run, in words."""
        if self.gain.contains_zero:
            return "not decided: the interval contains zero"
        return "holds" if self.gain.difference > 0 else "does NOT hold"


def judge_claims(results: Results, bootstrap: Bootstrap) -> list[Claim]:
    """Judge the claims whose two rows were run."""
    rows, scores = results.rows, results.reconstruction
    claims = [
        Claim(better, worse, "PCK@0.1", pck_difference(rows[better], rows[worse], TABLE_ALPHA, bootstrap))
        for better, worse in PCK_CLAIMS
        if better in rows and worse in rows
    ]
    if "ours" in scores and "mp" in scores:
        gain = chamfer_difference(scores["mp"], scores["ours"], bootstrap)
        claims.append(Claim("ours", "mp", "Chamfer distance", gain))
    return claims
