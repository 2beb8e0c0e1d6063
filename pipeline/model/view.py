"""The crop's view of posed meshes: rasterizing them, and rendering what the losses compare."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pipeline.config.model_params import Pose as PoseParams
from pipeline.geometry.meshes import vertex_normals
from pipeline.model.buffers import GBuffer, Rendering
from pipeline.model.deformable import DeformableModel
from pipeline.model.light import shade
from pipeline.model.mesh_cache import MeshCache
from pipeline.model.placement import Placement, place
from pipeline.model.pose import PoseEstimate
from pipeline.model.template import Template
from pipeline.photographs.cameras import rotate
from pipeline.rendering.rasterizer import Rasterizer


class View:
    """The camera of the crop and the rasterizer behind it.

    Meshes are given as `vertices` [V, N, 3] in the object frame, with the faces of a template; V is 1 where all B poses
    are of one mesh, else B.

    Args:
        camera: gives the camera's distance and field of view.
        margin: side of the crop over the longer side of the object's box.
        size: S, pixels along a side of the crop.
    """

    def __init__(self, rasterizer: Rasterizer, camera: PoseParams, margin: float, size: int):
        self.rasterizer, self.camera, self.margin, self.size = rasterizer, camera, margin, size
        self.mesh = MeshCache(rasterizer)

    def resized(self, size: int) -> "View":
        """The same view with another number of pixels."""
        return View(self.rasterizer, self.camera, self.margin, size)

    def place(self, template: Template, vertices: Float[Tensor, "V N 3"], pose: PoseEstimate) -> Placement:
        """Pose the mesh before the camera, in the window that the template would fill."""
        return place(vertices, template.vertices, pose, self.camera, self.margin)

    def rasterize(
        self, template: Template, vertices: Float[Tensor, "V N 3"], pose: PoseEstimate, deformed: bool = True
    ) -> GBuffer:
        """Find what each pixel shows of the posed mesh; `deformed` says whether deformed coordinates are wanted."""
        placement = self.place(template, vertices, pose)
        rast = self.rasterizer.rasterize(placement.clip, template.faces, (self.size, self.size))
        normals = rotate(vertex_normals(vertices, template.faces), pose.rotation)
        attributes = [1 / placement.depth[..., None], template.vertices.expand_as(normals), normals]
        if deformed:
            attributes.append(vertices.expand_as(normals))
        pixels = self.rasterizer.interpolate(torch.cat(attributes, -1), rast, template.faces)
        return GBuffer(placement.clip, rast, pixels, rast[..., 3] > 0)

    def shade(
        self,
        model: DeformableModel,
        template: Template,
        buffer: GBuffer,
        code: Float[Tensor, "B I"],
        masks: Float[Tensor, "B S S"] | None = None,
    ) -> Rendering:
        """Give the pixels of the template's mesh the model's albedo, light and feature field.

        The networks are evaluated on covered pixels only, and with `masks` only where these exceed one half: elsewhere
        colours and features are zero. `losses.common_region` keeps a pixel away from there, and antialiasing reaches no
        further than the next pixel, so that what is compared inside the region is the same with masks and without.
        """
        clip, rast, attributes, coverage = buffer
        inside = (coverage if masks is None else coverage & (masks > 0.5)).flatten().nonzero()[:, 0]
        image_of_pixel = inside // (coverage.shape[1] * coverage.shape[2])
        shown = attributes.flatten(0, 2).index_select(0, inside)
        disparity, canonical, normal, *deformed = shown.split([1, *[3] * (shown.shape[-1] // 3)], -1)
        # Seen from either side, as the mesh has no inside.
        normal = functional.normalize(normal * torch.where(normal[:, 2:] < 0, -1.0, 1.0), dim=-1)
        shading = shade(model.light(code), normal, image_of_pixel)
        # The first channel is the silhouette, which is known everywhere.
        values = [torch.ones_like(disparity), model.albedo(canonical, code, image_of_pixel) * shading]
        values += [model.features(points) for points in (canonical, *deformed)]
        values = torch.cat(values, -1)
        image = values.new_zeros(coverage.numel(), values.shape[-1])
        image[:, 0] = coverage.flatten()
        image = image.index_copy_(0, inside, values).unflatten(0, coverage.shape)
        image = self._antialias(template, image, rast, clip)
        # One split: taken apart channel by channel, every part would cost a gradient of the whole image's size.
        alpha, layers = image.split([1, values.shape[-1] - 1], -1)
        return Rendering(alpha[..., 0], layers, attributes[..., 0])

    def render(
        self,
        model: DeformableModel,
        template: Template,
        vertices: Float[Tensor, "V N 3"],
        pose: PoseEstimate,
        code: Float[Tensor, "B I"],
        deformed: bool = True,
    ) -> Rendering:
        """Rasterize the deformed `vertices` of `template`, and shade the pixels."""
        return self.shade(model, template, self.rasterize(template, vertices, pose, deformed), code)

    def paint(
        self,
        template: Template,
        vertices: Float[Tensor, "V N 3"],
        pose: PoseEstimate,
        colours: Float[Tensor, "V N C"],
    ) -> Float[Tensor, "B S S C+1"]:
        """The posed mesh in colours of its vertices, zero on the background; the last channel is the silhouette."""
        clip = self.place(template, vertices, pose).clip
        rast = self.rasterizer.rasterize(clip, template.faces, (self.size, self.size))
        image = [self.rasterizer.interpolate(colours, rast, template.faces), (rast[..., 3:] > 0).float()]
        return self._antialias(template, torch.cat(image, -1), rast, clip)

    def _antialias(
        self,
        template: Template,
        image: Float[Tensor, "B S S C"],
        rast: Float[Tensor, "B S S 4"],
        clip: Float[Tensor, "B N 4"],
    ) -> Float[Tensor, "B S S C"]:
        self.mesh.see(template)
        return self.rasterizer.antialias(image, rast, clip, template.faces, self.mesh.topology)
