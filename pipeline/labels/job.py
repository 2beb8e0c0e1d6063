"""Jobs of labelling: the settings and the inputs that all kinds of labels have in common."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.config.parsing import to_dict
from pipeline.config.workspace import Workspace
from pipeline.labels.run import Job, Kind, Label
from pipeline.photographs.records import Instance
from pipeline.photographs.truth import truth_path
from pipeline.pretrained.weights import pinned_weights


def make_job(
    workspace: Workspace,
    kind: Kind[Label],
    folder: Path,
    label: Callable[[Sequence[Instance]], Sequence[Label]],
    more_settings: Mapping[str, Any] | None = None,
    more_inputs: Callable[[Instance], Sequence[Path]] = lambda instance: (),
) -> Job[Label]:
    """Make the job that fills `folder` with labels of one kind, in batches of `pretrained.batch`.

    Labels depend on their section of the parameters, the simulation's seed, the hashes of the weights, and
    `more_settings`. Each is made of its photograph, of the truth beside it where there is one, and of `more_inputs`.

    Raises:
        InputError: downloads.yaml does not know the model of the section.
    """

    def inputs(instance: Instance) -> list[Path]:
        photograph = workspace.photograph(instance)
        return [photograph, truth_path(photograph), *more_inputs(instance)]

    params = workspace.params
    section = getattr(params, kind.name)
    settings = {
        **to_dict(section),
        "seed": params.simulation.seed,
        "weights": pinned_weights(workspace, section),
        **(more_settings or {}),
    }
    # What the backbone changes has been merged in; what others change has no effect.
    settings.pop("backbones", None)
    return Job(kind, folder, workspace.unfinished(folder), settings, inputs, label, params.pretrained.batch)
