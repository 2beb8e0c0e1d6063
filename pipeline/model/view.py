"""Placing the deformed mesh before the crop's camera, and rendering what the losses compare."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pipeline.config.params import Pose as PoseParams
from pipeline.geometry.meshes import vertex_normals
from pipeline.hardware.transfers import constant
from pipeline.model.deformable import DeformableModel, Template
from pipeline.model.light import shade
from pipeline.model.pose import PoseEstimate
from pipeline.photographs.cameras import clip_matrix, product, rotate, transform
from pipeline.rendering.rasterizer import Rasterizer


class Placement(NamedTuple):
    """A posed mesh in the crop's camera."""

    clip: Float[Tensor, "B N 4"]
    """Clip coordinates; image row 0 is the top."""
    depth: Float[Tensor, "B N"]
    """Positive camera depth in object units."""


class Rendering(NamedTuple):
    """Images of S x S pixels, row 0 at the top; `alpha` and `layers` are antialiased."""

    alpha: Float[Tensor, "B S S"]
    layers: Float[Tensor, "B S S C"]
    """What `split_layers` takes apart."""
    disparity: Float[Tensor, "B S S"]
    """1 / depth, zero on the background."""


class Layers(NamedTuple):
    """What the networks say of pixels; zero on the background."""

    rgb: Float[Tensor, "*P 3"]
    features: Float[Tensor, "*P K"]
    """g at canonical coordinates (MagicPony)."""
    features_deformed: Float[Tensor, "*P K"] | None
    """g at deformed coordinates."""


def split_layers(layers: Float[Tensor, "*P C"], features: int) -> Layers:
    """Take apart the channels of `Rendering.layers`, of any of its pixels.

    Args:
        features: K, the channels of the feature field.
    """
    rgb, *fields = layers.split([3, *[features] * ((layers.shape[-1] - 3) // features)], -1)
    return Layers(rgb, fields[0], fields[1] if len(fields) > 1 else None)


def place(
    vertices: Float[Tensor, "V N 3"],
    template: Float[Tensor, "T 3"],
    pose: PoseEstimate,
    params: PoseParams,
    margin: float,
) -> Placement:
    """Rotate the mesh, and choose the crop's window so that the template's projection would fill the object's box.

    V is 1 where all B poses are of one mesh, else B.
    The crop is centred on the box and `margin` times its longer side, so a mesh p seen in the right pose satisfies
    max extent(p) = 2 / margin in NDC: with c and h the centre and the longer half side of the bounding rectangle of the
    projected template, ndc = exp(log_zoom) (p - c) / (margin h) + offset. The fit (c, h) passes gradients on: were it a
    constant, a template that lacks a wing would shrink instead of growing one. It does not follow the deformation:
    otherwise a vertex that strays would be framed instead of pulled back.
    """
    view = constant(clip_matrix(params.distance, params.fov), vertices)
    offset = view[:, 3:].expand(len(pose.rotation), -1, -1)
    view = torch.cat([product(view[:, :3], pose.rotation), offset], -1)
    xy, _, depth = transform(template, view).split([2, 1, 1], -1)
    ndc = xy / depth
    low, high = ndc.amin(1), ndc.amax(1)
    centre, half = (low + high) / 2, (high - low).amax(-1) / 2
    zoom = (pose.log_zoom.exp() / (margin * half))[:, None]
    shift = pose.offset - zoom * centre
    # As ndc is clip xy / w, the window's zoom and shift make another matrix of the camera's.
    x_and_y, others = view.split(2, 1)
    crop = torch.cat([zoom[..., None] * x_and_y + shift[..., None] * others[:, 1:], others], 1)
    clip = transform(vertices, crop)
    return Placement(clip, clip[..., 3])


class Visible(NamedTuple):
    """Posed meshes, and what of them each of S x S pixels shows; row 0 is the top."""

    clip: Float[Tensor, "B N 4"]
    """Clip coordinates of the vertices."""
    rast: Float[Tensor, "B S S 4"]
    """As the rasterizer returns it."""
    attributes: Float[Tensor, "B S S C"]
    """1 / depth, canonical coordinates, normal in the camera frame and, where they are wanted, deformed coordinates."""
    covered: Bool[Tensor, "B S S"]


def look(
    rasterizer: Rasterizer,
    template: Template,
    vertices: Float[Tensor, "V N 3"],
    pose: PoseEstimate,
    params: PoseParams,
    size: int,
    margin: float,
    deformed: bool = True,
) -> Visible:
    """Find the pixels of the posed `vertices`, which are one mesh for all poses (V = 1) or one for each."""
    placement = place(vertices, template.vertices, pose, params, margin)
    rast = rasterizer.rasterize(placement.clip, template.faces, (size, size))
    normals = rotate(vertex_normals(vertices, template.faces), pose.rotation)
    attributes = [1 / placement.depth[..., None], template.vertices.expand_as(normals), normals]
    if deformed:
        attributes.append(vertices.expand_as(normals))
    pixels = rasterizer.interpolate(torch.cat(attributes, -1), rast, template.faces)
    return Visible(placement.clip, rast, pixels, rast[..., 3] > 0)


def paint(
    model: DeformableModel,
    rasterizer: Rasterizer,
    template: Template,
    visible: Visible,
    code: Float[Tensor, "B I"],
    topology: Any = None,
    masks: Float[Tensor, "B S S"] | None = None,
) -> Rendering:
    """Give visible pixels the model's albedo, light and feature field.

    The networks are evaluated on covered pixels only, and with `masks` only where these exceed one half: elsewhere
    colours and features are zero. `losses.common_region` keeps a pixel away from there, and antialiasing reaches no
    further than the next pixel, so that what is compared inside the region is the same with masks and without.
    """
    clip, rast, attributes, covered = visible
    inside = (covered if masks is None else covered & (masks > 0.5)).flatten().nonzero()[:, 0]
    image_of_pixel = inside // (covered.shape[1] * covered.shape[2])
    shown = attributes.flatten(0, 2).index_select(0, inside)
    disparity, canonical, normal, *deformed = shown.split([1, *[3] * (shown.shape[-1] // 3)], -1)
    # Seen from either side, as the mesh has no inside.
    normal = functional.normalize(normal * torch.where(normal[:, 2:] < 0, -1.0, 1.0), dim=-1)
    shading = shade(model.light(code), normal, image_of_pixel)
    # The first channel is the silhouette, which is known everywhere.
    values = [torch.ones_like(disparity), model.albedo(canonical, code, image_of_pixel) * shading]
    values += [model.features(points) for points in (canonical, *deformed)]
    values = torch.cat(values, -1)
    image = values.new_zeros(covered.numel(), values.shape[-1])
    image[:, 0] = covered.flatten()
    image = image.index_copy_(0, inside, values).unflatten(0, covered.shape)
    if topology is None:
        topology = rasterizer.topology(template.faces, len(template.vertices))
    image = rasterizer.antialias(image, rast, clip, template.faces, topology)
    # One split: taken apart channel by channel, every part would cost a gradient of the whole image's size.
    alpha, layers = image.split([1, values.shape[-1] - 1], -1)
    return Rendering(alpha[..., 0], layers, attributes[..., 0])


def render(
    model: DeformableModel,
    rasterizer: Rasterizer,
    template: Template,
    vertices: Float[Tensor, "V N 3"],
    pose: PoseEstimate,
    code: Float[Tensor, "B I"],
    size: int,
    margin: float,
    deformed: bool = True,
) -> Rendering:
    """`look` at the deformed `vertices` of `template`, and `paint` what is seen."""
    visible = look(rasterizer, template, vertices, pose, model.params.pose, size, margin, deformed)
    return paint(model, rasterizer, template, visible, code)
