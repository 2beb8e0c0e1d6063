"""Names of the table's rows, and which of the labels behind a row are simulated."""

from pipeline.evaluation.result import Settings, Switches

SIMULATED = "benchmark"
"""Backend that derives its output from the truth of the embedded benchmark."""
FEATURES = {"benchmark": "DINOv2", "dinov2": "DINOv2", "sift": "SIFT"}
"""Feature backends as the table calls them; a backend that is not here has its own name."""

# The paper's rows, by (depth, pose, index embedding, feature consistency).
_VARIANTS = {
    (False, False, False, False): "MP",
    (True, False, False, False): "MP + Depth",
    (True, True, True, True): "Ours",
    (True, True, False, True): "w/o ind. emb.",
    (True, True, True, False): "w/o feat. cons.",
    (True, True, False, False): "w/o 3.2 (both)",
    (False, True, True, True): "w/o depth",
    (True, False, True, True): "w/o pose",
}


def row_name(method: str, settings: Settings) -> str:
    """The row of a method of the evaluation, in the paper's words; '(simulated)' where a label behind it is."""
    if method == "nearest_neighbour":
        name = _feature_name(settings)
    elif method == "pca_nearest_neighbour":
        name = f"{_feature_name(settings)} PCA"
    else:
        searched = settings.switches.search and method != "ours_no_search"
        name = _variant(settings.switches, searched)
    return f"{name} (simulated)" if simulated(method, settings) else name


def simulated(method: str, settings: Settings) -> tuple[str, ...]:
    """Kinds of labels that `method` rests on and that are simulated, features included."""
    kinds = {"features"}
    if method != "nearest_neighbour" or settings.within_mask:
        # The principal components are fitted within the masks.
        kinds.add("masks")
    if method.startswith("ours"):
        kinds |= {"depth"} if settings.switches.depth else set()
        kinds |= {"poses"} if settings.switches.pose else set()
    order = ("masks", "depth", "poses", "features")
    return tuple(k for k in order if k in kinds and getattr(settings.backends, k) == SIMULATED)


def _feature_name(settings: Settings) -> str:
    return FEATURES.get(settings.backends.features, settings.backends.features)


def _variant(switches: Switches, searched: bool) -> str:
    """The paper's MagicPony rows are read without local search, its own rows with it; a row says where it differs."""
    key = (switches.depth, switches.pose, switches.index_embedding, switches.feature_consistency)
    if key == (True, True, False, False) and not searched:
        return "MP + Pose"
    name = _VARIANTS.get(key, "Ours (variant)")
    usual = not name.startswith("MP")
    if searched == usual:
        return name
    return f"{name} {'with' if searched else 'w/o'} search"
