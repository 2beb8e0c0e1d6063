"""Chamfer distances of a cell's predicted meshes to the CAD models that PASCAL3D+ annotates (SEMAGIC Table 2)."""

import numpy as np
from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.base.seeding import seeded
from pipeline.config.cells import Cell
from pipeline.config.params import Reconstruction
from pipeline.config.workspace import Workspace
from pipeline.data.cad import mesh_path
from pipeline.data.mesh import Mesh
from pipeline.data.mesh_files import mesh_file, read_mesh
from pipeline.photographs.cameras import OBJECT_TO_CAD
from pipeline.photographs.lists import read_instances
from pipeline.photographs.records import Instance
from pipeline.prediction.predictions import read_predictions
from pipeline.reconstruction.align import AlignmentOptions, best_of_category, reconstruction_error
from pipeline.reconstruction.neighbours import Neighbours, make_neighbours
from pipeline.reconstruction.result import ImageReconstruction, ReconstructionScores


def score_reconstructions(workspace: Workspace, cell: Cell) -> ReconstructionScores:
    """Compare predicted meshes with CAD models, for the first `reconstruction.images` evaluated images that have one.

    The nearest model of the category is searched among the annotated models of these images.

    Raises:
        InputError: the predictions or a CAD model are missing, no image has an annotated CAD model, or the
            nearest-neighbour search that params.yaml names cannot be used on this machine.
    """
    params = workspace.params.reconstruction
    neighbours = make_neighbours(params.neighbours)
    print(f"{cell.name}: nearest points are found by {neighbours.name}.")
    predictions = read_predictions(workspace.predictions(cell))
    instances = [i for i in read_instances(workspace.instances(cell.category)) if i.name in predictions.images]
    by_name = sorted(instances, key=lambda instance: instance.name)
    annotated = [(i, i.cad_index) for i in by_name if i.cad_index is not None][: params.images]
    if not annotated:
        raise InputError(
            f"{workspace.instances(cell.category)}: expected evaluated images with an annotated CAD model, found none "
            f"of {len(instances)}. Restore {workspace.pascal3d}/Annotations/{cell.category}_pascal, or take "
            "reconstruction out of params.yaml: set reconstruction.variants to []."
        )
    indices = sorted({index for _, index in annotated})
    cads = {index: read_mesh(mesh_file(mesh_path(workspace.pascal3d, cell.category, index))) for index in indices}
    faces = predictions.faces.numpy().astype(np.int32)
    images = []
    for instance, index in tqdm(annotated, desc=f"{cell.name}: aligning", unit="image"):
        deformed = predictions.images[instance.name].deformed
        mesh = Mesh(deformed.double().numpy() @ OBJECT_TO_CAD.T, faces)
        images.append(_image(instance, index, mesh, cads, params, neighbours))
    missing = sum(instance.cad_index is None for instance in instances)
    return ReconstructionScores(**cell._asdict(), images=tuple(images), without_model=missing)


def _image(
    instance: Instance,
    index: int,
    mesh: Mesh,
    cads: dict[int, Mesh],
    params: Reconstruction,
    neighbours: Neighbours,
) -> ImageReconstruction:
    options = AlignmentOptions(
        samples=params.samples,
        coarse_samples=params.coarse_samples,
        iterations=params.iterations,
        trim=params.trim,
        candidates=min(params.candidates, len(cads)),
        neighbours=neighbours,
    )
    annotated = reconstruction_error(
        mesh, cads[index], options, seeded(0, "reconstruction", f"{instance.key}/annotated")
    )
    best = best_of_category(mesh, list(cads.values()), options, seeded(0, "reconstruction", f"{instance.key}/best"))
    return ImageReconstruction(
        instance.name,
        index,
        annotated.rigid,
        annotated.similarity,
        best.similarity,
        list(cads)[best.cad],
    )
