"""The deformable category model: template, deformation, feature field, appearance and pose (SEMAGIC 3.1-3.2)."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from pipeline.base.errors import InputError
from pipeline.config.model_params import Model as ModelParams
from pipeline.hardware.transfers import constant
from pipeline.model.changing_template import ChangingTemplate
from pipeline.model.encoder import TokenEncoder
from pipeline.model.frozen_template import FrozenTemplate
from pipeline.model.light import LightHead
from pipeline.model.mlp import CoordinateMlp, fold_x
from pipeline.model.pose import PoseHead
from pipeline.model.signed_distance import SignedDistance
from pipeline.model.template import Template, TemplateSource


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

    The template comes from `changing` until `freeze` is called, and then from `frozen`, where each vertex has a code
    of its own. With `identity: grid` the template never freezes, and the codes are those of the grid's vertices.
    """

    frozen: FrozenTemplate | None

    def __init__(self, params: ModelParams, sizes: InputSizes, hypotheses: int):
        super().__init__()
        self.params = params
        self.sizes = sizes
        extent, images = params.grid.scale, params.encoder.dims
        elongation = 1.0 if hypotheses == 1 else params.pose.hypotheses.elongation
        self.changing = ChangingTemplate(SignedDistance(params.sdf, extent, elongation), params)
        self.register_module("frozen", None)
        self.field = CoordinateMlp(sizes.features, params.field, extent)
        self.encoder = TokenEncoder(sizes.grid, sizes.channels, params.encoder.width, images)
        self.deformation = CoordinateMlp(
            3, params.deformation, extent, params.deformation.code_dims, images, zero_output=True
        )
        self.texture = CoordinateMlp(3, params.texture, extent, image_dims=images)
        self.light = LightHead(images, params.texture.width)
        self.pose = PoseHead(sizes.grid, sizes.channels, params.encoder.width, params.pose, hypotheses)
        grid_codes = len(self.changing.grid.vertices) if params.deformation.identity == "grid" else 0
        self.codes = nn.Parameter(_draw_codes(params, grid_codes))

    def template(self, jitter: float = 0.0) -> Template:
        """The canonical mesh.

        Args:
            jitter: distance in object units by which the grid is moved along each axis; a frozen template has none.

        Raises:
            NoSurfaceError: the signed distance does not change sign inside the grid.
        """
        source: TemplateSource = self.changing if self.frozen is None else self.frozen
        embedded = self.params.deformation.index_embedding and len(self.codes) > 0
        return source(self.codes if embedded else None, jitter)

    @torch.no_grad()
    def freeze(self) -> None:
        """Fix the template's vertices and faces, and draw a code for each vertex from torch's generator."""
        self.frozen = self.changing.freeze()
        codes = _draw_codes(self.params, len(self.frozen.vertices))
        self.codes = nn.Parameter(codes.to(self.frozen.vertices.device))

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
        """Colour in [0, 1] of template points, each for its own image."""
        points = fold_x(points) if self.params.texture.symmetric else points
        return self.texture(points, image_codes=code, image_of_point=image_of_point).sigmoid()

    def load_state_dict(self, state_dict, strict: bool = True, assign: bool = False):
        """Take over a state, and with it whether the template is frozen and how many vertices it has.

        Raises:
            InputError: the state is of another architecture.
        """
        device = self.codes.device
        names = [f"frozen.{name}" for name in ("vertices", "faces", "mirror")]
        try:
            self.codes = nn.Parameter(torch.zeros_like(state_dict["codes"], device=device))
            self.frozen = None
            if names[0] in state_dict:
                vertices, faces, mirror = (state_dict[name].to(device, copy=True) for name in names)
                self.frozen = FrozenTemplate(vertices, faces, mirror, self.params.deformation.symmetric)
            return super().load_state_dict(state_dict, strict, assign)
        except (KeyError, RuntimeError) as error:
            raise InputError(f"These weights are of another model architecture; train again. {error}") from error


def build_model(
    params: ModelParams, sizes: InputSizes, hypotheses: int, seed: int, device: torch.device | str = "cpu"
) -> DeformableModel:
    """A model whose initial weights depend on `seed` alone; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DeformableModel(params, sizes, hypotheses)
    return model.to(device)


def _draw_codes(params: ModelParams, count: int) -> Float[Tensor, "C E"]:
    return params.deformation.code_std * torch.randn(count, params.deformation.code_dims)
