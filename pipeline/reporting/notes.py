"""Notes on a table's numbers: what is simulated, which pairs and seeds they rest on, and what the intervals mean."""

from collections.abc import Sequence

from pipeline.config.params import Bootstrap
from pipeline.evaluation.result import Metrics
from pipeline.reporting.results import Results, all_metrics
from pipeline.reporting.rows import KINDS, simulated
from pipeline.reporting.table import table_columns

SIMULATION = (
    "The embedded benchmark's photographs are rendered, and its labels and features derived with noise from its truth, "
    "not computed by foundation models; the numbers cannot be compared with the paper's."
)
"""What it means that something is simulated."""


def warning_of(results: Results) -> str:
    """A warning that names what is simulated; empty where nothing is."""
    kinds = _simulated_kinds(results)
    if not kinds:
        return ""
    return f"Simulated: {', '.join(kinds)}. {SIMULATION}"


def warnings_of(results: Results) -> tuple[str, ...]:
    """What nobody should miss who reads a table: what is simulated, and machines of different kinds."""
    return tuple(filter(None, (warning_of(results), results.trainings.machines)))


def pair_notes(results: Results) -> list[str]:
    """Split, seeds, pairs and averages of Table 1."""
    one_each = {metrics.category: metrics for metrics in all_metrics(results)}
    first = next(iter(one_each.values()))
    settings = first.settings
    kept = (
        "pairs with a truncated object are excluded" if settings.exclude_truncated_pairs else "truncated ones included"
    )
    trained = any(metrics.trained for metrics in all_metrics(results))
    seeds = f"; training seed{'s' * (len(results.seeds) > 1)} {', '.join(map(str, results.seeds))}" if trained else ""
    seeds += f"; benchmark seed {settings.simulation_seed}" if _simulated_kinds(results) else ""
    notes = [
        f"SPair-71k split '{settings.split}'; {kept}{seeds}.",
        f"Pairs (and the start of their list's sha256): {_pairs(list(one_each.values()))}",
        "Mean over the pairs of a category of the share of keypoints within alpha * max(h, w) of the target's box.",
    ]
    if settings.within_mask:
        notes.append("Nearest neighbours are restricted to the target's mask.")
    return notes + coverage_notes(results)


def coverage_notes(results: Results) -> list[str]:
    """Notes on the categories that the average covers, the meaning of the spread, and trainings that went back."""
    columns = table_columns(results.categories)
    missing = [name for name in columns if name not in results.categories]
    notes = []
    if missing:
        notes.append(
            f"The average covers the {len(results.categories)} of {len(columns)} categories run; "
            f"not run: {', '.join(missing)}."
        )
    if len(results.seeds) > 1:
        notes.append(f"After ±: sample standard deviation over the {len(results.seeds)} training seeds.")
    return [*notes, *results.trainings.setbacks]


def interval_note(params: Bootstrap) -> str:
    """Note on the meaning of the intervals."""
    return (
        f"Differences with their {100 * params.level:g} % interval: a paired bootstrap over images, each drawn with "
        f"all pairs that it is in ({params.replicates} draws). ≈ marks an interval that contains zero. It is about the "
        "choice of images; another training seed is not part of it."
    )


def _simulated_kinds(results: Results) -> tuple[str, ...]:
    """The kinds of data that any row rests on and that are simulated."""
    kinds = {
        kind
        for name, row in results.rows.items()
        for scored in row.values()
        for kind in simulated(name, scored[0].metrics)
    }
    return tuple(kind for kind in KINDS if kind in kinds)


def _pairs(metrics: Sequence[Metrics]) -> str:
    pairs = ", ".join(f"{one.category} {one.pairs} ({one.pairs_sha256[:8]})" for one in metrics)
    skipped = sum(len(one.skipped) for one in metrics)
    return f"{pairs}; {skipped} more could not be scored." if skipped else f"{pairs}."
