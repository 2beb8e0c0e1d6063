"""What the jobs of all kinds of labels have in common."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.label_params import Depth, Features, Masks, Poses
from pipeline.labels.run import Job, Label
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.pretrained.weights import pinned_weights
from pipeline.records import Instance
from pipeline.truth import truth_path
from pipeline.typed import to_dict


def make_job(
    params: Params,
    layout: Layout,
    section: Masks | Depth | Poses | Features,
    folder: Path,
    suffix: str,
    label: Callable[[Sequence[Instance]], Sequence[Label]],
    write: Callable[[Path, Label], None],
    more_settings: Mapping[str, Any] | None = None,
    more_inputs: Callable[[Instance], Sequence[Path]] = lambda instance: (),
) -> Job[Label]:
    """The job that fills `folder` as `section` says, in batches of `pretrained.batch`.

    Labels depend on the section, the benchmark's seed, the hashes of the weights, and `more_settings`; each is made of
    its photograph, of the truth beside it where there is one, and of `more_inputs`.

    Raises:
        InputError: downloads.yaml does not know the model of the section.
    """

    def inputs(instance: Instance) -> list[Path]:
        photograph = layout.root / instance.image
        return [photograph, truth_path(photograph), *more_inputs(instance)]

    settings = {
        **to_dict(section),
        "seed": params.benchmark.seed,
        "weights": pinned_weights(layout, section),
        **(more_settings or {}),
    }
    # What the backbone changes has been merged in; what others change has no effect.
    settings.pop("backbones", None)
    kind = type(section).__name__.lower()
    return Job(kind, folder, layout.unfinished(folder), suffix, settings, inputs, label, write, params.pretrained.batch)
