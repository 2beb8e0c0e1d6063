"""The deformable category model: template, deformation, feature field, appearance and pose (SEMAGIC 3.1-3.2)."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from pipeline.base.errors import InputError
from pipeline.config.params import Model as ModelParams
from pipeline.geometry.marching import marching_tetrahedra, sparse_sdf
from pipeline.geometry.meshes import Representatives, largest_component, mirror_pairs, representatives
from pipeline.geometry.tetgrid import TetGrid, build_tetgrid
from pipeline.hardware.transfers import constant
from pipeline.model.encoder import TokenEncoder
from pipeline.model.light import LightHead
from pipeline.model.mlp import CoordinateMlp, fold_x
from pipeline.model.pose import PoseHead


class Template(NamedTuple):
    """The canonical mesh (Eq. 1), in the object frame."""

    vertices: Float[Tensor, "N 3"]
    faces: Int64[Tensor, "F 3"]
    codes: Float[Tensor, "N E"] | None
    """Vertex-index embedding (Eq. 3); None when the model has none or deformation has not begun."""
    centre: Float[Tensor, "3"]
    """Of the surface of the signed distance, before it was centred and scaled."""
    radius: Float[Tensor, ""]
    """Its root mean square radius."""
    representatives: Representatives | None = None
    """Known where mirrored vertices have mirrored offsets and do not change."""


class EmptyMeshError(RuntimeError):
    """The signed distance has no zero crossing inside the grid."""


class InputSizes(NamedTuple):
    """Sizes that the data, not the parameters, decide."""

    grid: int
    """Tokens along a side of the crop."""
    channels: int
    """Channels of a token."""
    features: int
    """PCA components that the feature field predicts."""


class DeformableModel(nn.Module):
    """A category's template, and the networks that pose, deform and paint it for an image.

    Until `freeze` is called the template is extracted from the signed distance at each call; from then on it is a
    constant mesh, and each vertex has its own code. `identity: grid` never freezes; its codes live on the grid's
    vertices and are interpolated along the crossed edges.
    """

    def __init__(self, params: ModelParams, sizes: InputSizes, hypotheses: int):
        super().__init__()
        self.params = params
        self.sizes = sizes
        self.elongation = 1.0 if hypotheses == 1 else params.pose.hypotheses.elongation
        extent = params.grid.scale
        self.grid = build_tetgrid(params.grid.resolution, extent)
        self.sdf = CoordinateMlp(
            1, params.sdf.layers, params.sdf.width, params.sdf.frequencies, extent, zero_output=True
        )
        self.field = CoordinateMlp(
            sizes.features, params.field.layers, params.field.width, params.field.frequencies, extent
        )
        deformation = params.deformation
        self.encoder = TokenEncoder(sizes.grid, sizes.channels, params.encoder.width, params.encoder.dims)
        self.deformation = CoordinateMlp(
            3,
            deformation.layers,
            deformation.width,
            deformation.frequencies,
            extent,
            point_dims=deformation.code_dims,
            image_dims=params.encoder.dims,
            zero_output=True,
        )
        texture = params.texture
        self.texture = CoordinateMlp(
            3, texture.layers, texture.width, texture.frequencies, extent, image_dims=params.encoder.dims
        )
        self.light = LightHead(params.encoder.dims, params.texture.width)
        self.pose = PoseHead(sizes.grid, sizes.channels, params.encoder.width, params.pose, hypotheses)
        count = len(self.grid.vertices) if deformation.identity == "grid" else 0
        self.codes = nn.Parameter(deformation.code_std * torch.randn(count, deformation.code_dims))
        self.register_buffer("template_vertices", torch.zeros(0, 3))
        self.register_buffer("template_faces", torch.zeros(0, 3, dtype=torch.int64))
        self.register_buffer("template_mirror", torch.zeros(0, dtype=torch.int64))
        for name, value in representatives(self.template_vertices, self.template_mirror)._asdict().items():
            self.register_buffer(f"representative_{name}", value, persistent=False)

    @property
    def frozen(self) -> bool:
        return len(self.template_vertices) > 0

    def signed_distance(self, points: Float[Tensor, "V 3"]) -> Float[Tensor, "V"]:
        """Positive inside: a sphere or ellipsoid plus a learned correction, symmetric about x = 0 (MagicPony).

        The ellipsoid is a - ||(x, y, z / elongation)||; a = radius sqrt(3 / (2 + elongation^2)) makes radius^2 the mean
        of its squared semi-axes. MagicPony's is twice as long as wide, which tells side views from frontal ones.
        """
        radius, elongation = self.params.sdf.radius, self.elongation
        semi_axis = radius * math.sqrt(3 / (2 + elongation**2))
        distance = (points / constant((1.0, 1.0, elongation), points)).norm(dim=-1)
        return semi_axis - distance + self.sdf(fold_x(points))[:, 0]

    def distance_gradient(self, points: Float[Tensor, "P 3"]) -> Float[Tensor, "P 3"]:
        """Gradient of `signed_distance` by `points`, differentiable in the weights."""
        axes = constant((1.0, 1.0, self.elongation), points)
        ellipsoid = functional.normalize(points / axes, dim=-1) / axes
        correction = self.sdf.gradient(fold_x(points))
        return torch.cat([correction[:, :1] * points[:, :1].sign(), correction[:, 1:]], -1) - ellipsoid

    def template(self, jitter: float = 0.0) -> Template:
        """The canonical mesh; `jitter` moves the grid by that many object units along each axis.

        Every crop is fitted to its object's box, so that no image says where the template lies or how large it is. To
        keep the silhouettes from shrinking it for ever, the mesh is centred along y and z and scaled to the root mean
        square radius of the initial sphere: v = r (p - c) / rms(p - c). No loss on v has a gradient along its place
        or its size.

        Raises:
            EmptyMeshError: the signed distance does not change sign inside the grid.
        """
        if self.frozen:
            vertices = self.template_vertices
            codes = self._frozen_codes()
            half = None
            if self.params.deformation.symmetric:
                half = Representatives(*(getattr(self, f"representative_{name}") for name in Representatives._fields))
            return Template(vertices, self.template_faces, codes, vertices.mean(0), _rms(vertices), half)
        points = self.grid.vertices + jitter
        surface = marching_tetrahedra(self.grid, points, sparse_sdf(self.grid, points, self.signed_distance))
        if len(surface.faces) == 0:
            raise EmptyMeshError("The signed distance has no zero crossing: the template mesh is empty.")
        # The plane of symmetry stays where it is.
        centre = surface.vertices.mean(0) * constant((0.0, 1.0, 1.0), surface.vertices)
        centred = surface.vertices - centre
        radius = _rms(centred)
        codes = self._grid_codes(surface.edges, surface.weights)
        return Template(self.params.sdf.radius / radius * centred, surface.faces, codes, centre, radius)

    @torch.no_grad()
    def freeze(self) -> None:
        """Fix the template's vertices and faces, and give each vertex (with its mirror image) one code.

        Small separate pieces are dropped. The new codes are drawn from torch's generator.
        """
        template = self.template()
        part = largest_component(template.faces, len(template.vertices))
        self.template_vertices = template.vertices[part.vertices]
        self.template_faces = part.faces.long()
        mirror = mirror_pairs(self.template_vertices, tolerance=1e-4 * self.params.grid.scale)
        self.template_mirror = torch.minimum(mirror, torch.arange(len(mirror), device=mirror.device))
        self._choose_representatives()
        deformation = self.params.deformation
        codes = deformation.code_std * torch.randn(len(mirror), deformation.code_dims)
        self.codes = nn.Parameter(codes.to(mirror.device))

    def offsets(self, template: Template, code: Float[Tensor, "B I"]) -> Float[Tensor, "B N 3"]:
        """Offset of each vertex for each image (Eq. 2): dv_i = scale * f(v_i, phi(I), e_i).

        With `symmetric`, f sees (|x|, y, z) and dx takes the sign of x, so that mirrored vertices move as mirror
        images. phi is normalised to mean 0 and variance 1: beside the encoded point the encoder's own, smaller values
        would hardly count, and all instances would be deformed alike.
        """
        deformation = self.params.deformation
        code = functional.layer_norm(code, code.shape[-1:])
        points, codes = template.vertices.detach(), template.codes
        if codes is None:
            codes = points.new_zeros(len(points), deformation.code_dims)
        if deformation.symmetric:
            points = fold_x(points)
        if (half := template.representatives) is not None:
            offsets = self.deformation(points[half.rows], codes.index_select(0, half.rows), code).index_select(
                1, half.index
            )
        else:
            offsets = self.deformation(points, codes, code)
        scale = deformation.scale
        if deformation.symmetric:
            scale *= torch.where(constant((1.0, 0.0, 0.0), points) > 0, template.vertices.detach().sign(), 1.0)
        return scale * offsets

    def features(self, points: Float[Tensor, "P 3"]) -> Float[Tensor, "P K"]:
        """Semantic feature field g (Eq. 6), in [0, 1] as the PCA features that it is trained on."""
        return self.field(fold_x(points) if self.params.field.symmetric else points).sigmoid()

    def frozen_features(self, points: Float[Tensor, "*P 3"]) -> Float[Tensor, "*P K"]:
        """`features` whose weights receive no gradient, so that only the points can lower a loss on it."""
        flat = points.reshape(-1, 3)
        flat = fold_x(flat) if self.params.field.symmetric else flat
        weights = {name: value.detach() for name, value in self.field.named_parameters()}
        values = torch.func.functional_call(self.field, weights, flat).sigmoid()
        return values.reshape(*points.shape[:-1], -1)

    def albedo(
        self, points: Float[Tensor, "P 3"], code: Float[Tensor, "B I"], image_of_point: Int64[Tensor, "P"]
    ) -> Float[Tensor, "P 3"]:
        """Colour in [0, 1] of template points, each for its own image; symmetric about x = 0 (MagicPony)."""
        return self.texture(fold_x(points), image_codes=code, image_of_point=image_of_point).sigmoid()

    def _apply(self, fn, recurse: bool = True):
        """The grid, which is neither a parameter nor part of the state, follows the module to its device."""
        self.grid = TetGrid(*map(fn, self.grid))
        return super()._apply(fn, recurse)

    def load_state_dict(self, state_dict, strict: bool = True, assign: bool = False):
        """Also accepts the state of a frozen model; the sizes of the template come from the state.

        Raises:
            InputError: the state is of another architecture.
        """
        try:
            device = self.codes.device
            self.codes = nn.Parameter(torch.zeros_like(state_dict["codes"], device=device))
            for name in ("template_vertices", "template_faces", "template_mirror"):
                setattr(self, name, torch.zeros_like(state_dict[name], device=device))
            found = super().load_state_dict(state_dict, strict, assign)
        except (KeyError, RuntimeError) as error:
            raise InputError(f"These weights are of another model architecture; train again. {error}") from error
        self._choose_representatives()
        return found

    def _choose_representatives(self) -> None:
        """For the frozen template, once and for all."""
        for name, value in representatives(self.template_vertices, self.template_mirror)._asdict().items():
            setattr(self, f"representative_{name}", value)

    def _frozen_codes(self) -> Tensor | None:
        if not self.params.deformation.index_embedding or len(self.codes) != len(self.template_vertices):
            return None
        return self.codes[self.template_mirror] if self.params.deformation.symmetric else self.codes

    def _grid_codes(self, edges: Tensor, weights: Tensor) -> Tensor | None:
        if not self.params.deformation.index_embedding or len(self.codes) == 0:
            return None
        codes = self.codes
        if self.params.deformation.symmetric:
            codes = codes[torch.minimum(self.grid.mirror, torch.arange(len(codes), device=codes.device))]
        weights = weights.detach()[:, None]
        return (1 - weights) * codes[edges[:, 0]] + weights * codes[edges[:, 1]]


def _rms(points: Float[Tensor, "N 3"]) -> Float[Tensor, ""]:
    return points.square().sum(-1).mean().sqrt()


def build_model(
    params: ModelParams, sizes: InputSizes, hypotheses: int, seed: int, device: torch.device | str = "cpu"
) -> DeformableModel:
    """A model whose initial weights depend on `seed` alone; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DeformableModel(params, sizes, hypotheses)
    return model.to(device)
