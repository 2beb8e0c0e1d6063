"""Predicting the posed, deformed and projected mesh of an object from the patch tokens of its crop."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.config.evaluation_params import Correspondence
from pipeline.config.params import Params
from pipeline.geometry.meshes import Subdivision, subdivide
from pipeline.model.deformable import DeformableModel
from pipeline.model.pose import PoseEstimate
from pipeline.model.template import Template
from pipeline.model.view import View
from pipeline.photographs.cameras import clip_to_crop
from pipeline.prediction.predictions import Prediction
from pipeline.prediction.projection import Projection, visible_vertices
from pipeline.refinement.observer import Observer
from pipeline.refinement.refiner import PoseRefiner, Refined
from pipeline.rendering.depth_map import depth_map
from pipeline.rendering.rasterizer import make_rasterizer


class Reconstructed(NamedTuple):
    """The meshes of B crops, as the model reads them."""

    vertices: Float[Tensor, "B N 3"]
    """Deformed vertices of the template in the object frame."""
    pose: PoseEstimate
    refined: Refined | None
    """What the search for `pose` found; None where the pose is the head's."""


class Predictor:
    """A trained model, ready to predict the mesh of any crop.

    Attributes:
        template: the canonical mesh.
        positions: vertices of the subdivided template in the object frame.
        vertex_features: feature field g at `positions`, in [0, 1].

    Args:
        view: the crop's view; its size is the side of silhouettes and depth maps in pixels.
        params: gives the number of subdivisions and the tolerance of the visibility test.
        refinement: refines the head's poses by what an observer says of the tokens; None keeps them.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: DeformableModel,
        view: View,
        params: Correspondence,
        refinement: tuple[PoseRefiner, Observer] | None = None,
    ):
        self.model, self.view = model, view
        self._refinement = refinement
        self.template = model.template()
        self._levels = _split(self.template, params.subdivisions)
        self.positions = self._subdivide(self.template.vertices)
        self.vertex_features = model.features(self.positions)
        low, high = self.template.vertices.amin(0), self.template.vertices.amax(0)
        self._tolerance = params.tolerance * float((high - low).norm())

    @torch.no_grad()
    def predict(self, tokens: Float[Tensor, "T T D"]) -> Prediction:
        """Deform and pose the template for one crop, project it and test which vertices are seen (Eq. 9).

        Returns:
            The prediction, with the projection in crop coordinates.
        """
        deformed, pose, refined = self.reconstruct(tokens[None])
        first = torch.zeros(len(self.template.vertices), dtype=torch.int64)
        albedo = self.model.albedo(self.template.vertices, self.model.encoder(tokens[None].float()), first)
        placement = self.view.place(self.template, self._subdivide(deformed), pose)
        faces = self._levels[-1].faces if self._levels else self.template.faces
        depth = depth_map(self.view.rasterizer, placement.clip, faces, self.view.size)[0]
        points = clip_to_crop(placement.clip)[0]
        visible = visible_vertices(points, placement.depth[0], depth, self._tolerance)
        score = torch.full((2,), torch.nan) if refined is None else torch.cat([refined.energy, refined.margin])
        projection = Projection(points, visible, pose.rotation[0])
        return Prediction(projection, deformed[0], albedo, depth.isfinite(), score)

    @torch.no_grad()
    def reconstruct(self, tokens: Float[Tensor, "B T T D"]) -> Reconstructed:
        """Deform and pose the template for each crop."""
        tokens = tokens.float()
        vertices = self.template.vertices + self.model.offsets(self.template, self.model.encoder(tokens))
        pose = self.model.pose(tokens).best()
        if self._refinement is None:
            return Reconstructed(vertices, pose, None)
        refiner, observe = self._refinement
        refined = refiner.refine(vertices, pose, observe(tokens))
        return Reconstructed(vertices, refined.pose, refined)

    def _subdivide(self, values: Float[Tensor, "*B N C"]) -> Float[Tensor, "*B M C"]:
        for level in self._levels:
            values = level.refine(values)
        return values


def make_predictor(model: DeformableModel, params: Params, observer: Observer | None = None) -> Predictor:
    """The model's predictor on the CPU, with the crop and the sizes that the parameters give.

    Args:
        observer: reads tokens for the refinement of poses, where `refine.enabled` asks for it.

    Raises:
        ValueError: poses are to be refined without an observer.
    """
    correspondence = params.correspondence
    view = View(make_rasterizer(), model.params.pose, params.data.crop_margin, correspondence.map_size)
    if not params.refine.enabled:
        return Predictor(model, view, correspondence)
    if observer is None:
        raise ValueError("refine.enabled needs an observer of the tokens (pipeline.refinement.observer)")
    refiner = PoseRefiner(model, model.template(), view, params.refine)
    return Predictor(model, view, correspondence, (refiner, observer))


def _split(template: Template, count: int) -> list[Subdivision]:
    """Successive splits of the template's faces, so that a vertex is close to any point of the surface."""
    levels: list[Subdivision] = []
    faces, vertices = template.faces, len(template.vertices)
    for _ in range(count):
        levels.append(subdivide(faces, vertices))
        faces, vertices = levels[-1].faces, vertices + len(levels[-1].edges)
    return levels
