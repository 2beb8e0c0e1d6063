"""From images to posed, deformed meshes in the pixels of their photographs: the pass that is made once per image."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.cameras import clip_to_crop
from pipeline.correspondence import Projection, visible_vertices
from pipeline.crops import from_crop, square_crop
from pipeline.labels.features import read_tokens
from pipeline.layout import Layout
from pipeline.model import DeformableModel, Template
from pipeline.networks.pose import PoseEstimate
from pipeline.records import Instance
from pipeline.renderer import place
from pipeline.rendering.rasterizer import Rasterizer


def predict(
    model: DeformableModel, rasterizer: Rasterizer, layout: Layout, category: str, instances: list[Instance]
) -> Iterator[tuple[Instance, Projection]]:
    """The projected mesh of each instance, from its cached patch tokens."""
    template = model.template()
    for instance in instances:
        tokens, _ = read_tokens(layout.features(category) / f"{instance.name}.npz")
        yield instance, project_instance(model, rasterizer, template, torch.from_numpy(tokens), instance, layout)


@torch.no_grad()
def project_instance(
    model: DeformableModel,
    rasterizer: Rasterizer,
    template: Template,
    tokens: Float[Tensor, "T T D"],
    instance: Instance,
    layout: Layout,
) -> Projection:
    """Deform and pose the template for one image, project it and test which vertices are seen (Eq. 9)."""
    params = layout.params
    vertices, pose = reconstruct(model, template, tokens[None].float())
    placement = place(vertices, template.vertices, pose, model.params.pose, params.data.crop_margin)
    faces = template.faces.to(torch.int32).contiguous()
    clip = placement.clip.contiguous()
    size = params.correspondence.size
    rast = rasterizer.rasterize(clip, faces, (size, size))
    depth_map = rasterizer.interpolate(placement.depth[..., None].contiguous(), rast, faces)[0, ..., 0]
    depth_map = torch.where(rast[0, ..., 3] > 0, depth_map, torch.inf)
    points = clip_to_crop(clip)[0]
    diagonal = float((template.vertices.amax(0) - template.vertices.amin(0)).norm())
    visible = visible_vertices(points, placement.depth[0], depth_map, params.correspondence.tolerance * diagonal)
    crop = square_crop(instance.box, params.data.crop_margin)
    pixels = from_crop(points.double().numpy(), crop).astype(np.float32)
    return Projection(torch.from_numpy(pixels), visible, pose.rotation[0])


@torch.no_grad()
def template_features(model: DeformableModel) -> Float[Tensor, "N K"]:
    """The feature field g at the template's vertices, in [0, 1]."""
    return model.features(model.template().vertices)


@torch.no_grad()
def reconstruct(
    model: DeformableModel, template: Template, tokens: Float[Tensor, "B T T D"]
) -> tuple[Float[Tensor, "B N 3"], PoseEstimate]:
    """Deformed vertices in the object frame, and the best pose, of each image."""
    vertices = template.vertices + model.offsets(template, model.encoder(tokens))
    return vertices, model.pose(tokens).best()
