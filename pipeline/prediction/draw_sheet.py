"""Rendering of the pictures of one model: its template, and its reconstructions of some photographs."""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from pipeline.config.workspace import Workspace
from pipeline.geometry.meshes import vertex_normals
from pipeline.labels.features import read_tokens
from pipeline.model.buffers import split_layers
from pipeline.model.pose import PoseEstimate
from pipeline.model.template import Template
from pipeline.model.view import View
from pipeline.photographs.cameras import object_rotation
from pipeline.photographs.crops import sample_crop, square_crop
from pipeline.photographs.image_files import read_image
from pipeline.photographs.records import Instance
from pipeline.pictures.sheets import SIZE, Sheet, compose_sheet
from pipeline.prediction.predictor import Predictor

VIEWS = ((90.0, 5.0, 0.0), (35.0, 20.0, 0.0), (215.0, 20.0, 0.0), (305.0, 20.0, 0.0))
"""Azimuth, elevation and theta of the template's views; the first is the side view."""


@torch.no_grad()
def draw_sheet(
    predictor: Predictor, workspace: Workspace, backbone: str, instances: list[Instance]
) -> UInt8[np.ndarray, "H W 3"]:
    """The pictures of a `pipeline.pictures.sheets.Sheet` of one or more instances, with captions.

    Raises:
        InputError: a photograph or its features cannot be read.
    """
    model, template, view = predictor.model, predictor.template, predictor.view.resized(SIZE)
    poses = [_pose(*angles) for angles in VIEWS]
    sides = [_shaded(view, template, template.vertices[None], pose) for pose in poses]
    rows = []
    for instance in instances:
        tokens = torch.from_numpy(read_tokens(workspace.tokens(backbone, instance)).tokens)[None].float()
        vertices, pose, _ = predictor.reconstruct(tokens)
        photo = read_image(workspace.photograph(instance))
        rendering = view.render(model, template, vertices, pose, model.encoder(tokens), deformed=False)
        colours = split_layers(rendering.layers, model.sizes.features).rgb[0]
        rows.append(
            [
                sample_crop(photo, square_crop(instance.box, view.margin), SIZE),
                _on_white(torch.cat([colours, rendering.alpha[0, ..., None]], -1)),
                _on_white(_shaded(view, template, vertices, pose)),
                with_outline(_on_white(_shaded(view, template, vertices, poses[0])), sides[0][..., 3].numpy() > 0.5),
            ]
        )
    return compose_sheet(Sheet(np.stack([_on_white(side) for side in sides]), *np.stack(rows, axis=1)))


def identity_colours(vertices: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    """A colour for each template vertex: its place in the template's bounding box."""
    low, high = vertices.amin(0), vertices.amax(0)
    return (vertices - low) / (high - low).clamp(min=1e-6)


def with_outline(image: UInt8[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """The image with a thin black line around each part of a mask."""
    lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.polylines(image.copy(), lines, True, (0, 0, 0), 1, cv2.LINE_AA))


def _shaded(
    view: View, template: Template, vertices: Float[Tensor, "1 N 3"], pose: PoseEstimate
) -> Float[Tensor, "S S 4"]:
    """The mesh coloured by vertex identity, under a light from the camera; the last channel is its silhouette."""
    normals = vertex_normals(vertices, template.faces) @ pose.rotation.transpose(-1, -2)
    light = 0.45 + 0.55 * normals[..., 2:].abs()
    return view.paint(template, vertices, pose, identity_colours(template.vertices) * light)[0]


def _on_white(image: Float[Tensor, "S S 4"]) -> UInt8[np.ndarray, "S S 3"]:
    return ((image[..., :3] + 1 - image[..., 3:]).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _pose(azimuth: float, elevation: float, theta: float) -> PoseEstimate:
    """The pose of an object seen from this viewpoint."""
    rotation = torch.from_numpy(object_rotation(azimuth, elevation, theta)).float()[None]
    return PoseEstimate(rotation, torch.zeros(1, 2), torch.zeros(1))
