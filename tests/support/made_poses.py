"""A model whose meshes tell their pose, and the evidence of images that show them."""

import torch

from pipeline.model.placement import place
from pipeline.model.pose import PoseEstimate
from pipeline.model.view import View
from pipeline.photographs.cameras import object_rotation
from pipeline.refinement.energy import Evidence, PoseEnergy
from pipeline.rendering.rasterizer import make_rasterizer
from support.models import model_of, randomise
from support.tiny import tiny_params

GRID = 32


def refine_params(**changes):
    return tiny_params(**{f"refine__{name}": value for name, value in changes.items()}).refine


def made_model():
    """A bumpy template, and a field that changes smoothly along it."""
    model = model_of(model__grid__resolution=14, model__field__frequencies=2, model__field__symmetric=False)
    randomise(model.changing.distance, scale=0.04)
    randomise(model.field, scale=0.4)
    return model.eval()


def made_view(device="cpu"):
    camera = tiny_params().model.pose
    return View(make_rasterizer("auto", device), camera, 1.2, GRID)


def poses_of(*angles, device="cpu"):
    """Poses at (azimuth, elevation, theta) in degrees, on the fitted window."""
    rotation = torch.stack([torch.from_numpy(object_rotation(*row)).float() for row in angles]).to(device)
    return PoseEstimate(rotation, rotation.new_zeros(len(angles), 2), rotation.new_zeros(len(angles)))


def evidence_of(energy: PoseEnergy, vertices, poses) -> Evidence:
    """What images show of the coarse mesh, one image for each pose; the background has features of its own."""
    view, mesh = energy.view, energy.mesh
    placed = place(vertices[:, mesh.rows], energy.outline, poses, view.camera, view.margin).clip
    rast = view.rasterizer.rasterize(placed, mesh.faces, (GRID, GRID))
    shown = view.rasterizer.interpolate(energy.field, rast, mesh.faces)
    covered = rast[..., 3] > 0
    generator = torch.Generator().manual_seed(5)
    background = torch.rand(shown.shape, generator=generator).to(shown)
    return Evidence(torch.where(covered[..., None], shown, background), covered.float(), torch.zeros_like(covered))
