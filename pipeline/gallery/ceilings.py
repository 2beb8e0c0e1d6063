"""What true shapes and true poses would be worth to the rows of a page: the ceilings that explain their scores."""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.data.cad import cad_path, read_cad
from pipeline.evaluation.ceiling import ceiling
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.photographs.lists import read_pairs
from pipeline.prediction.predictions import Predictions


class Ceilings(NamedTuple):
    """PCK@0.1 by projection, in [0, 1], of a CAD model in the place of a template."""

    poses: str
    """Whose poses it has: the title of a row, or 'annotated'."""
    rigid: float
    """The most typical CAD model, as it is."""
    deformed: float
    """The same, deformed to the shape that each photograph shows."""


def category_ceilings(
    workspace: Workspace, category: str, predictions: Mapping[str, Predictions]
) -> tuple[Ceilings, ...]:
    """The ceilings in the annotated poses, and in those of each row; none where no CAD models are annotated.

    Args:
        predictions: by the title of the row.

    Raises:
        InputError: a file of the dataset is damaged.
    """
    path = cad_path(workspace.pascal3d, category)
    listed = read_pairs(workspace.pairs(category))
    instances = workspace.evaluation_instances(category)
    annotated = any(instance.cad_index is not None for instance in instances)
    if not (workspace.params.data.pascal3d and path.is_file() and listed.pairs and annotated):
        return ()
    models = read_cad(path)
    if not any(model.keypoints for model in models):
        return ()
    found = []
    for title, predicted in {"annotated": None, **predictions}.items():
        poses = predicted and {
            name: image.projection.rotation.double().numpy() for name, image in predicted.images.items()
        }
        try:
            scores = [
                ceiling(instances, models, listed, workspace.params, deformed, poses).pck[TABLE_ALPHA]
                for deformed in (False, True)
            ]
        except InputError:
            # No pair has two photographs with all that is needed.
            continue
        found.append(Ceilings(title, *scores))
    return tuple(found)
