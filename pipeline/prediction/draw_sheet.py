"""Rendering of the pictures of one model: its template, and what it makes of some photographs."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pipeline.config.workspace import Workspace
from pipeline.geometry.meshes import vertex_normals
from pipeline.labels.features import read_tokens
from pipeline.model.deformable import DeformableModel, Template
from pipeline.model.pose import PoseEstimate
from pipeline.model.view import place, render, split_layers
from pipeline.photographs.cameras import object_rotation
from pipeline.photographs.crops import sample_crop, square_crop
from pipeline.photographs.images import read_image
from pipeline.photographs.records import Instance
from pipeline.pictures.sheets import SIZE, Sheet, compose_sheet
from pipeline.prediction.predict import reconstruct
from pipeline.rendering.rasterizer import Rasterizer

VIEWS = ((35.0, 20.0, 0.0), (125.0, 20.0, 0.0), (215.0, 20.0, 0.0), (305.0, 20.0, 0.0))
"""Azimuth, elevation and theta of the template's views; the first is the fixed view."""


@torch.no_grad()
def draw_sheet(
    model: DeformableModel, rasterizer: Rasterizer, workspace: Workspace, backbone: str, instances: list[Instance]
) -> UInt8[np.ndarray, "H W 3"]:
    """The pictures of a `pipeline.pictures.sheets.Sheet` of one or more instances, with captions.

    Raises:
        InputError: a photograph or its features cannot be read.
    """
    template = model.template()
    margin = workspace.params.data.crop_margin
    views = [_view(*angles) for angles in VIEWS]

    def shaded(vertices: Float[Tensor, "1 N 3"], pose: PoseEstimate) -> UInt8[np.ndarray, "S S 3"]:
        return _shaded(model, rasterizer, template, vertices, pose, margin)

    rows = []
    for instance in instances:
        folder = workspace.features(backbone, instance.category)
        tokens = torch.from_numpy(read_tokens(folder / f"{instance.name}.npz").tokens)[None]
        vertices, pose = reconstruct(model, template, tokens)
        photo = read_image(workspace.photograph(instance))
        painted = render(
            model, rasterizer, template, vertices, pose, model.encoder(tokens), SIZE, margin, deformed=False
        )
        rows.append(
            [
                sample_crop(photo, square_crop(instance.box, margin), SIZE),
                _on_white(split_layers(painted.layers, model.sizes.features).rgb[0], painted.alpha[0]),
                shaded(vertices, pose),
                shaded(vertices, views[0]),
            ]
        )
    template_views = np.stack([shaded(template.vertices[None], view) for view in views])
    return compose_sheet(Sheet(template_views, *np.stack(rows, axis=1)))


def identity_colours(vertices: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    """A colour for each template vertex: its place in the template's bounding box."""
    low, high = vertices.amin(0), vertices.amax(0)
    return (vertices - low) / (high - low).clamp(min=1e-6)


def _shaded(
    model: DeformableModel,
    rasterizer: Rasterizer,
    template: Template,
    vertices: Float[Tensor, "1 N 3"],
    pose: PoseEstimate,
    margin: float,
) -> UInt8[np.ndarray, "S S 3"]:
    """The mesh coloured by vertex identity, under a light from the camera."""
    colours = identity_colours(template.vertices)
    clip = place(vertices, template.vertices, pose, model.params.pose, margin).clip
    normals = vertex_normals(vertices, template.faces) @ pose.rotation.transpose(-1, -2)
    light = 0.45 + 0.55 * normals[..., 2:].abs()
    rast = rasterizer.rasterize(clip, template.faces, (SIZE, SIZE))
    covered = (rast[..., 3:] > 0).float()
    image = torch.cat([rasterizer.interpolate(colours * light, rast, template.faces), covered], -1)
    image = rasterizer.antialias(image, rast, clip, template.faces)[0]
    return _on_white(image[..., :3], image[..., 3])


def _on_white(rgb: Float[Tensor, "S S 3"], alpha: Float[Tensor, "S S"]) -> UInt8[np.ndarray, "S S 3"]:
    return ((rgb + 1 - alpha[..., None]).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _view(azimuth: float, elevation: float, theta: float) -> PoseEstimate:
    """The pose of an object seen from this viewpoint."""
    rotation = torch.from_numpy(object_rotation(azimuth, elevation, theta)).float()[None]
    return PoseEstimate(rotation, torch.zeros(1, 2), torch.zeros(1))
