"""Upper bound on the PCK with true shapes and true poses: `semagic ceiling --category car --variant ours`.

One CAD model replaces the template. It stays rigid, or is deformed until its keypoints agree with those of the CAD
model annotated for the image. Its pose is the annotated one, or that of a trained cell. Scale and translation are
fitted to the image by least squares. The projections are matched on the same pairs as those of a trained model (SEMAGIC
Eq. 8-10, without the search).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from scipy.interpolate import RBFInterpolator
from torch import Tensor
from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.base.seeding import seeded
from pipeline.config.params import Params
from pipeline.data.cad import CadModel
from pipeline.evaluation.pck import is_correct, keypoint_errors, longer_side, pck
from pipeline.matching.transfer import transfer
from pipeline.photographs.cameras import clip_depth, object_angles, object_rotation, project_cad
from pipeline.photographs.crops import square_crop, to_crop
from pipeline.photographs.lists import PairList
from pipeline.photographs.records import Instance
from pipeline.prediction.projection import Projection, visible_vertices
from pipeline.reconstruction.sampling import sample_surface
from pipeline.rendering.depth_map import depth_map
from pipeline.rendering.rasterizer import Rasterizer, make_rasterizer

SAMPLES = 20_000
"""Number of points sampled on the template's surface for matching, about 0.01 of its diagonal apart."""


class PointedMesh(NamedTuple):
    """CAD model and points on its surface, in the CAD frame."""

    model: CadModel
    points: Float[np.ndarray, "N 3"]


class Ceiling(NamedTuple):
    """Scores of the ceiling on the evaluated pairs of one category."""

    pairs: int
    """Number of scored pairs. Both images have an annotated viewpoint and CAD model, and a predicted pose if needed."""
    pck: dict[float, float]
    """PCK per image in [0, 1] for each alpha, see `pipeline.evaluation.pck.Pck.per_image`."""


def most_typical(models: Sequence[CadModel]) -> CadModel:
    """Find the most typical CAD model among those with the most keypoints.

    It minimises the sum of ||p - m||^2 over its keypoints p, where m is the mean of the keypoint over all models.

    Raises:
        InputError: no model has keypoints.
    """
    most = max((len(model.keypoints) for model in models), default=0)
    if most == 0:
        raise InputError("The ceiling needs CAD models with keypoints; found none.")
    places: dict[str, list[np.ndarray]] = {}
    for model in models:
        for name, point in model.keypoints.items():
            places.setdefault(name, []).append(point)
    means = {name: np.mean(points, axis=0) for name, points in places.items()}
    return min(
        (model for model in models if len(model.keypoints) == most),
        key=lambda model: sum(np.square(point - means[name]).sum() for name, point in model.keypoints.items()),
    )


def deform(mesh: PointedMesh, keypoints: Mapping[str, Float[np.ndarray, "3"]]) -> PointedMesh:
    """Deform a mesh so that its keypoints move to their positions in `keypoints`.

    Keypoints that are not in `keypoints` are dropped. The displacements of all other points are interpolated by the
    biharmonic spline in space, sum_k w_k ||x - p_k|| + c.
    """
    names = [name for name in mesh.model.keypoints if name in keypoints]
    own, wanted = (np.stack([points[name] for name in names]) for points in (mesh.model.keypoints, keypoints))
    displacement = RBFInterpolator(own, wanted - own, kernel="linear", degree=0)
    vertices = mesh.model.vertices + displacement(mesh.model.vertices)
    moved = {name: keypoints[name] for name in names}
    return PointedMesh(mesh.model._replace(vertices=vertices, keypoints=moved), mesh.points + displacement(mesh.points))


def fit(points: Float[np.ndarray, "K 2"], target: Float[np.ndarray, "K 2"]) -> tuple[float, Float[np.ndarray, "2"]]:
    """Fit the scale s and shift t that minimise sum_k ||s p_k + t - q_k||^2. The points p must not all coincide."""
    centred, wanted = points - points.mean(axis=0), target - target.mean(axis=0)
    scale = float((centred * wanted).sum() / np.square(centred).sum())
    return scale, target.mean(axis=0) - scale * points.mean(axis=0)


def project_mesh(
    mesh: PointedMesh,
    rotation: Float[np.ndarray, "3 3"],
    shown: Mapping[str, Float[np.ndarray, "3"]],
    instance: Instance,
    params: Params,
    rasterizer: Rasterizer,
) -> Projection:
    """Project the points of a mesh in a given pose, scaled and shifted in the image to fit its annotated keypoints.

    Args:
        mesh: CAD model that replaces the template.
        rotation: pose of the mesh, from the object to the camera frame.
        shown: keypoints, in the CAD frame, of the CAD model that PASCAL3D+ annotates for this image. At least two of
            them must be keypoints of the mesh.
        instance: image with an annotated viewpoint, in which `shown` is seen.
        params: parameters of the crop and of the correspondence.
        rasterizer: rasterizer of the depth map that decides visibility.

    Raises:
        InputError: the image has no annotated viewpoint.
    """
    annotated = instance.viewpoint
    if annotated is None:
        raise InputError(f"'{instance.key}': expected an annotated viewpoint, found none. Leave this image out.")
    crop = square_crop(instance.box, params.data.crop_margin)
    azimuth, elevation, theta = object_angles(rotation)
    view = annotated._replace(azimuth=azimuth, elevation=elevation, theta=theta)
    names = [name for name in mesh.model.keypoints if name in shown]
    own = project_cad(np.stack([mesh.model.keypoints[name] for name in names]), view)[:, :2]
    scale, shift = fit(own, project_cad(np.stack([shown[name] for name in names]), annotated)[:, :2])

    def place(points: Float[np.ndarray, "N 3"]) -> tuple[Float[np.ndarray, "N 2"], Float32[Tensor, "N"]]:
        projected = project_cad(points, view)
        return scale * projected[:, :2] + shift, torch.from_numpy(projected[:, 2]).float()

    corners, corner_depth = place(mesh.model.vertices)
    corners = torch.from_numpy(to_crop(corners, crop)).float()
    depth_map = _depth_map(corners, corner_depth, torch.from_numpy(mesh.model.faces), params, rasterizer)
    pixels, depth = place(mesh.points)
    tolerance = params.correspondence.tolerance * float(np.linalg.norm(np.ptp(mesh.model.vertices, axis=0)))
    seen = visible_vertices(torch.from_numpy(to_crop(pixels, crop)).float(), depth, depth_map, tolerance)
    return Projection(torch.from_numpy(pixels), seen, torch.from_numpy(rotation))


def ceiling(
    instances: Iterable[Instance],
    models: Sequence[CadModel],
    listed: PairList,
    params: Params,
    deformed: bool,
    poses: Mapping[str, Float[np.ndarray, "3 3"]] | None = None,
) -> Ceiling:
    """Score the most typical of a category's CAD models on the listed pairs.

    Args:
        instances: images of the category.
        models: all CAD models of the category, in the order of their indices.
        listed: evaluated pairs.
        params: parameters of the evaluation.
        deformed: whether the model is deformed to the keypoints of the CAD model annotated for each image.
        poses: rotations from the object to the camera frame, by image name; by default the annotated ones.

    Raises:
        InputError: no model has keypoints, or no pair has two images with all required annotations.
    """
    typical = most_typical(models)
    points = sample_surface(typical.vertices, typical.faces, SAMPLES, seeded(0, "ceiling", listed.category))
    template, rasterizer = PointedMesh(typical, points), make_rasterizer("cpu", "cpu")
    projections: dict[str, Projection] = {}
    for instance in tqdm(list(instances), desc=f"{listed.category}: projecting", unit="image"):
        view = instance.viewpoint
        shown = {} if instance.cad_index is None else models[instance.cad_index - 1].keypoints
        # Viewpoints without a distance have only coarse angles.
        if view is None or view.distance == 0 or len(typical.keypoints.keys() & shown.keys()) < 2:
            continue
        if poses is None:
            rotation = object_rotation(view.azimuth, view.elevation, view.theta)
        elif instance.name in poses:
            rotation = poses[instance.name]
        else:
            continue
        mesh = deform(template, shown) if deformed else template
        projections[instance.name] = project_mesh(mesh, rotation, shown, instance, params, rasterizer)
    return _score(listed, projections, params.evaluation.alphas)


def _score(listed: PairList, projections: Mapping[str, Projection], alphas: Sequence[float]) -> Ceiling:
    pairs = [p for p in listed.pairs if p.keypoint_ids and {p.source, p.target} <= projections.keys()]
    if not pairs:
        raise InputError(
            f"{listed.category}: the ceiling needs pairs of images with an annotated viewpoint and CAD model; found "
            f"none among {len(listed.pairs)}."
        )
    errors = []
    for pair in pairs:
        query = torch.from_numpy(pair.source_keypoints)
        found = transfer(query, projections[pair.source], projections[pair.target])
        errors.append(keypoint_errors(found.numpy(), pair.target_keypoints))
    counts = np.array([len(pair.keypoint_ids) for pair in pairs])
    sides = np.repeat([longer_side(pair.target_box) for pair in pairs], counts)
    scores = {alpha: pck(is_correct(np.concatenate(errors), sides, alpha), counts) for alpha in alphas}
    return Ceiling(len(pairs), {alpha: score.per_image for alpha, score in scores.items()})


def _depth_map(
    corners: Float32[Tensor, "V 2"],
    depth: Float32[Tensor, "V"],
    faces: Int[Tensor, "F 3"],
    params: Params,
    rasterizer: Rasterizer,
) -> Float32[Tensor, "S S"]:
    """Depth of the nearest surface at each pixel of a crop, infinite where there is none.

    Args:
        corners: vertices in crop coordinates.
        depth: camera depth of the vertices.
    """
    x, y = ((2 * corners - 1) * depth[:, None]).unbind(-1)
    z = clip_depth(depth, 0.9 * depth.min(), 1.1 * depth.max())
    clip = torch.stack([x, y, z, depth], -1)[None]
    return depth_map(rasterizer, clip, faces, params.correspondence.map_size)[0]
