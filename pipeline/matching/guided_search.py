"""Search of the whole target, guided by the mesh: alike in features, near in the image and near on the template.

The local search (Eq. 11) looks at a small window round the projected vertex, and takes whatever is most alike there. It
cannot mend a pose that is off by more than the window, nor tell a left wheel from a right one beside it. Here each
pixel p of the crop is a candidate, and what it shows by the posed mesh, the template point v(p) of the nearest visible
vertex, counts as much as where it is. The paper has no such search.
"""

import torch
from jaxtyping import Float, Float64, Int64
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn import functional

from pipeline.config.evaluation_params import Guided
from pipeline.matching.feature_map import sample_map
from pipeline.matching.transfer import candidate_vertices
from pipeline.prediction.projection import Projection

BLOCK = 1 << 20
"""Scores that are held at once; 8 MB."""


def guided_search(
    reference: Float[Tensor, "K C"],
    vertex: Int64[Tensor, "K"],
    target: Float[Tensor, "T T C"],
    mesh: Projection,
    positions: Float[Tensor, "N 3"],
    field: Float[Tensor, "N C"],
    region: Float[Tensor, "2 2"],
    params: Guided,
) -> Float64[Tensor, "K 2"]:
    """Find the pixel of the target with the highest score for each query.

    With f the feature of the query, i its vertex, p0 where the vertex is projected to, F_B the target's features, g the
    field, v the template's vertices and d the diagonal of the template,

        p* = argmax over p of cos(f, F_B(p)) + w cos(g_i, F_B(p)) - |p - p0|^2 / 2 a^2 - |v(p) - v_i|^2 / 2 (b d)^2.

    Scores are computed in double precision and compared to 6 decimals; of equal ones the first in reading order wins.

    Args:
        reference: f of each query.
        vertex: i of each query.
        mesh: the target's projected mesh, in crop coordinates.
        positions, field: v and g of each vertex.
        region: lowest and highest (u, v) that may be an answer. If no pixel is in it, all may be.
        params: w, a, b and the number of pixels along the crop.

    Returns:
        Centres of pixels, in crop coordinates of the target.
    """
    centres = (torch.arange(params.map_size, dtype=torch.float64) + 0.5) / params.map_size
    pixels = torch.cartesian_prod(centres, centres).flip(-1)
    inside = ((pixels >= region[0]) & (pixels <= region[1])).all(-1)
    pixels = pixels[inside] if inside.any() else pixels
    features = _unit(sample_map(target.double(), pixels))
    directions = _unit(reference.double()) + params.field * _unit(field.double()[vertex])
    shown = positions[_nearest_vertices(pixels, mesh)].double()
    diagonal = (positions.amax(0) - positions.amin(0)).norm().double()
    best = []
    for rows in torch.arange(len(vertex)).split(max(1, BLOCK // len(pixels))):
        i = vertex[rows]
        apart = _squares(mesh.vertices[i].double(), pixels) / params.image_spread**2
        on_template = _squares(positions[i].double(), shown) / (params.template_spread * diagonal) ** 2
        score = directions[rows] @ features.T - (apart + on_template) / 2
        best.append(score.round_(decimals=6).argmax(1))
    return pixels[torch.cat(best)]


def _nearest_vertices(pixels: Float64[Tensor, "P 2"], mesh: Projection) -> Int64[Tensor, "P"]:
    """The visible vertex nearest to each pixel; if nothing is visible, the nearest of all."""
    candidates = candidate_vertices(mesh)
    _, nearest = KDTree(mesh.vertices[candidates].numpy()).query(pixels.numpy())
    return candidates[torch.from_numpy(nearest)]


def _squares(a: Float64[Tensor, "K D"], b: Float64[Tensor, "P D"]) -> Float64[Tensor, "K P"]:
    """Squared distances, without the rounding of |a|^2 - 2 a b + |b|^2."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square_()


def _unit(features: Float64[Tensor, "*N C"]) -> Float64[Tensor, "*N C"]:
    return functional.normalize(features, dim=-1, eps=1e-8)
