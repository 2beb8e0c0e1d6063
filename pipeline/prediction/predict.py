"""From images to posed, deformed meshes in the pixels of their photographs: the pass that is made once per image."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.config.workspace import Workspace
from pipeline.geometry.meshes import Subdivision, subdivide
from pipeline.labels.features import read_tokens
from pipeline.model.deformable import DeformableModel, Template
from pipeline.model.pose import PoseEstimate
from pipeline.model.view import place
from pipeline.photographs.cameras import clip_to_crop
from pipeline.photographs.crops import from_crop, square_crop
from pipeline.photographs.records import Instance
from pipeline.prediction.projections import Projection, visible_vertices
from pipeline.rendering.rasterizer import Rasterizer


class Prediction(NamedTuple):
    """What a model makes of one image."""

    projection: Projection
    """Of the subdivided mesh."""
    vertices: Float[Tensor, "N 3"]
    """The deformed template, not subdivided, in the object frame."""
    silhouette: Bool[Tensor, "S S"]
    """Pixels of the crop that the posed mesh covers, row 0 at the top; S is `correspondence.map_size`."""


class TemplatePoints(NamedTuple):
    """What all images of a category share of the subdivided template's vertices."""

    positions: Float[Tensor, "N 3"]
    """In the object frame."""
    features: Float[Tensor, "N K"]
    """Feature field g, in [0, 1]."""


def predict(
    model: DeformableModel, rasterizer: Rasterizer, workspace: Workspace, backbone: str, instances: list[Instance]
) -> Iterator[tuple[Instance, Prediction]]:
    """The posed and projected mesh of each instance, from its cached patch tokens."""
    template = model.template()
    levels = subdivisions(template, workspace.params.correspondence.subdivisions)
    for instance in instances:
        tokens = read_tokens(workspace.tokens(backbone, instance)).tokens
        yield (
            instance,
            predict_instance(model, rasterizer, template, levels, torch.from_numpy(tokens), instance, workspace),
        )


@torch.no_grad()
def predict_instance(
    model: DeformableModel,
    rasterizer: Rasterizer,
    template: Template,
    levels: list[Subdivision],
    tokens: Float[Tensor, "T T D"],
    instance: Instance,
    workspace: Workspace,
) -> Prediction:
    """Deform and pose the template for one image, project it and test which vertices are seen (Eq. 9)."""
    params = workspace.params
    deformed, pose = reconstruct(model, template, tokens[None].float())
    vertices, faces = deformed, template.faces
    for level in levels:
        vertices, faces = level.refine(vertices), level.faces
    placement = place(vertices, template.vertices, pose, model.params.pose, params.data.crop_margin)
    size = params.correspondence.map_size
    rast = rasterizer.rasterize(placement.clip, faces, (size, size))
    covered = rast[0, ..., 3] > 0
    depth_map = rasterizer.interpolate(placement.depth[..., None], rast, faces)[0, ..., 0]
    depth_map = torch.where(covered, depth_map, torch.inf)
    points = clip_to_crop(placement.clip)[0]
    diagonal = float((template.vertices.amax(0) - template.vertices.amin(0)).norm())
    visible = visible_vertices(points, placement.depth[0], depth_map, params.correspondence.tolerance * diagonal)
    crop = square_crop(instance.box, params.data.crop_margin)
    pixels = from_crop(points.double().numpy(), crop).astype(np.float32)
    return Prediction(Projection(torch.from_numpy(pixels), visible, pose.rotation[0]), deformed[0], covered)


def subdivisions(template: Template, count: int) -> list[Subdivision]:
    """Successive splits of the template's faces, so that a vertex is close to any point of the surface."""
    levels: list[Subdivision] = []
    vertices, faces = template.vertices, template.faces
    for _ in range(count):
        levels.append(subdivide(faces, len(vertices)))
        vertices, faces = levels[-1].refine(vertices), levels[-1].faces
    return levels


@torch.no_grad()
def template_points(model: DeformableModel, count: int) -> TemplatePoints:
    """The template's vertices after `count` subdivisions."""
    template = model.template()
    vertices = template.vertices
    for level in subdivisions(template, count):
        vertices = level.refine(vertices)
    return TemplatePoints(vertices, model.features(vertices))


@torch.no_grad()
def reconstruct(
    model: DeformableModel, template: Template, tokens: Float[Tensor, "B T T D"]
) -> tuple[Float[Tensor, "B N 3"], PoseEstimate]:
    """Deformed vertices in the object frame, and the best pose, of each image."""
    vertices = template.vertices + model.offsets(template, model.encoder(tokens))
    return vertices, model.pose(tokens).best()
