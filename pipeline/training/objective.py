"""One evaluation of the training objective: render the batch's objects and compare them with their labels."""

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.config.params import Params
from pipeline.config.training_params import Loss
from pipeline.geometry.meshes import laplacian_energy
from pipeline.hardware.transfers import send
from pipeline.model.buffers import Rendering, split_layers
from pipeline.model.deformable import DeformableModel
from pipeline.model.template import Template
from pipeline.model.view import View
from pipeline.training import losses
from pipeline.training.dataset import Batch, OutlineBatch, PoseBatch
from pipeline.training.outlines import POINTS, VERTICES, draw_outline, outline_loss
from pipeline.training.posing import find_poses
from pipeline.training.schedule import Phase

EIKONAL_POINTS = 2000
"""Points at which the unit gradient is asked for in a step; half of them near the surface."""


class Terms(NamedTuple):
    """The unweighted terms of the objective, means over the batch; the names are those of the weights."""

    mask: Float[Tensor, ""]
    distance: Float[Tensor, ""]
    outline: Float[Tensor, ""]
    rgb: Float[Tensor, ""]
    feature: Float[Tensor, ""]
    eikonal: Float[Tensor, ""]
    surface_size: Float[Tensor, ""]
    deformation: Float[Tensor, ""]
    laplacian: Float[Tensor, ""]
    feat_cons: Float[Tensor, ""]
    depth: Float[Tensor, ""]
    pose: Float[Tensor, ""]
    logit: Float[Tensor, ""]

    def total(self, weights: Loss, phase: Phase) -> Float[Tensor, ""]:
        """Weighted sum; the feature consistency grows with the phase."""
        factors = {"feat_cons": phase.feat_cons}
        row = torch.tensor([getattr(weights, name) * factors.get(name, 1.0) for name in self._fields])
        return (torch.stack(self) * send(row, self.mask.device)).sum()


@dataclass(frozen=True)
class Objective:
    """The objective of one training: its model, the view that renders it, and the parameters with the weights."""

    model: DeformableModel
    view: View
    params: Params

    def __call__(
        self,
        batch: Batch,
        poses: PoseBatch,
        outlines: OutlineBatch | None,
        phase: Phase,
        generator: torch.Generator,
    ) -> Terms:
        """Render `batch` in the given phase and compute every term whose weight is not zero.

        Args:
            poses: images whose poses are compared with their labels, where there is pose supervision.
            outlines: images whose outlines are compared with projected vertices; None for no such term.

        Raises:
            NoSurfaceError: the template has vanished, or fills the grid.
        """
        model, view, params, weights = self.model, self.view, self.params, self.params.loss
        jitter = params.training.jitter * params.model.grid.scale * (2 * torch.rand(1, generator=generator) - 1)
        template = model.template(float(jitter) if phase.jitter else 0.0)
        view.mesh.see(template)
        code = model.encoder(batch.tokens)
        posing = find_poses(model, batch, poses, phase, params, generator)
        zero: Float[Tensor, ""] = code.new_zeros(())
        terms = dict.fromkeys(Terms._fields, zero)

        if phase.deform:
            offsets = model.offsets(template, code)
            terms["deformation"] = losses.deformation_loss(offsets)
            terms["laplacian"] = laplacian_energy(offsets, view.mesh.graph)
            vertices = template.vertices + offsets
        else:
            vertices = template.vertices[None]

        deformed = phase.deform and weights.feature_deformed > 0
        buffer = view.rasterize(template, vertices, posing.shown, deformed)
        # Before anything is shaded: a GPU that is asked for their number has little else to finish first.
        region = losses.common_region(buffer.coverage, batch.mask)
        pixels = losses.region_pixels(region)
        rendering = view.shade(model, template, buffer, code, batch.mask)
        images = _image_terms(rendering, batch, region, pixels, weights, phase)
        means = (posing.importance * torch.stack([*images.values()])).mean(1)
        terms |= dict(zip(images, means, strict=True))

        if posing.error is not None:
            terms["pose"] = posing.error
        if posing.logits is not None and weights.logit:
            target = _expected_loss(images, weights)
            terms["logit"] = losses.logit_loss(posing.logits, target).mean()
        if phase.deform and weights.feat_cons:
            terms["feat_cons"] = _feature_consistency(model, template, vertices)
        if model.frozen is None:
            terms["surface_size"] = losses.surface_size_loss(template.centre, template.radius, params.model.sdf.radius)
            if weights.eikonal:
                terms["eikonal"] = losses.eikonal_loss(_distance_gradient(model, template, generator))
        if outlines is not None:
            terms["outline"], offset = self._outline(template, outlines, phase, generator)
            terms["deformation"] = terms["deformation"] + offset
        return Terms(**terms)

    def _outline(
        self, template: Template, batch: OutlineBatch, phase: Phase, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The outline term and the mean squared offset of its images; template and poses are taken as they are."""
        model, count = self.model, len(template.vertices)
        rows = send(torch.randperm(count, generator=generator)[:VERTICES], batch.tokens.device)
        code = model.encoder(batch.tokens)
        with torch.no_grad():
            pose = model.pose(batch.tokens).best()
        if phase.label_pose and self.params.loss.pose > 0:
            pose = pose._replace(rotation=batch.rotation)
        some = template.some(rows)
        offsets = model.offsets(some, code)
        whole = template._replace(vertices=template.vertices.detach())
        clip = self.view.place(whole, some.vertices + offsets, pose).clip
        points = draw_outline(batch.distance, POINTS, generator)
        loss = outline_loss(clip[..., :2] / clip[..., 3:], points, batch.distance)
        return loss.mean(), losses.deformation_loss(offsets)


def _image_terms(
    rendering: Rendering,
    batch: Batch,
    region: Bool[Tensor, "B S S"],
    pixels: losses.RegionPixels,
    weights: Loss,
    phase: Phase,
) -> dict[str, Float[Tensor, "B"]]:
    """The terms that compare images with labels; each has one value for each image."""
    targets = pixels.gather(batch.features)
    shown = split_layers(pixels.gather(rendering.layers), targets.shape[-1])
    feature = losses.feature_loss(shown.features, targets, pixels)
    if shown.features_deformed is not None:
        deformed = losses.feature_loss(shown.features_deformed, targets, pixels)
        feature = (1 - weights.feature_deformed) * feature + weights.feature_deformed * deformed
    terms = {
        "mask": losses.mask_loss(rendering.alpha, batch.mask, batch.valid),
        "distance": losses.distance_loss(rendering.alpha, batch.distance),
        "rgb": losses.rgb_loss(shown.rgb, pixels.gather(batch.rgb), pixels),
        "feature": feature,
    }
    if phase.depth and weights.depth:
        terms["depth"] = losses.depth_loss(rendering.disparity, batch.disparity, region)
    return terms


def _expected_loss(images: dict[str, Float[Tensor, "B"]], weights: Loss) -> Float[Tensor, "B"]:
    """The weighted image terms that a hypothesis' logit estimates."""
    boost = {"feature": weights.logit_feature_boost}
    names = ("mask", "distance", "rgb", "feature")
    return cast(Tensor, sum(boost.get(name, 1.0) * getattr(weights, name) * images[name] for name in names))


def _feature_consistency(
    model: DeformableModel, template: Template, vertices: Float[Tensor, "B N 3"]
) -> Float[Tensor, ""]:
    """The loss over all vertices; a symmetric field is evaluated on one of each mirror pair."""
    points, share = template.vertices, None
    if model.params.field.symmetric and (half := template.representatives) is not None:
        points, vertices, share = points[half.rows], vertices.index_select(1, half.rows), half.share
    with torch.no_grad():
        canonical = model.features(points)
    return losses.feature_consistency_loss(canonical, model.frozen_features(vertices), share)


def _distance_gradient(model: DeformableModel, template: Template, generator: torch.Generator) -> Float[Tensor, "P 3"]:
    """Gradient of the signed distance at uniform points of the grid and at perturbed surface points (MagicPony)."""
    half, scale = EIKONAL_POINTS // 2, model.params.grid.scale
    device = template.vertices.device
    uniform = (torch.rand(half, 3, generator=generator) - 0.5) * scale
    rows = torch.randint(len(template.vertices), (half,), generator=generator)
    moves = (torch.rand(half, 3, generator=generator) - 0.5) * 0.1 * scale
    near = template.vertices.detach().index_select(0, send(rows, device)) + send(moves, device)
    return model.changing.distance.gradient(torch.cat([send(uniform, device), near]))
