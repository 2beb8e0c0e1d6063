"""Surface colours of the embedded benchmark's objects: face colours, procedural texture, sun and sky."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

WAVES = 4
"""Sine waves that are added up to the texture."""


class Light(NamedTuple):
    """Light and surface of one photograph; directions are unit vectors in the CAD frame."""

    sun: Float[np.ndarray, "3"]
    """Unit vector towards the sun."""
    eye: Float[np.ndarray, "3"]
    """Unit vector towards the camera."""
    ambient: float
    diffuse: float
    gloss: float
    tint: Float[np.ndarray, "3"]
    """Colour of the sunlight."""
    texture_waves: Float[np.ndarray, "W 3"]
    """Wave vectors in radians per CAD unit."""
    texture_phases: Float[np.ndarray, "W"]
    texture_strength: float


def draw_light(eye: Float[np.ndarray, "3"], rng: np.random.Generator) -> Light:
    """Light from above, and from somewhere on the camera's side of the object."""
    sun = rng.normal(0, 0.7, 3) + 0.7 * eye + [0, 0, 0.9]
    return Light(
        sun=sun / np.linalg.norm(sun),
        eye=eye,
        ambient=rng.uniform(0.35, 0.6),
        diffuse=rng.uniform(0.45, 0.8),
        gloss=rng.uniform(0, 0.35),
        tint=1 + rng.normal(0, 0.05, 3),
        texture_waves=rng.normal(0, 1, (WAVES, 3)) * rng.uniform(12, 70, (WAVES, 1)),
        texture_phases=rng.uniform(0, 2 * np.pi, WAVES),
        texture_strength=rng.uniform(0, 0.06),
    )


def shade(
    faces: Int[np.ndarray, "P"],
    points: Float32[np.ndarray, "P 3"],
    face_colours: Float32[np.ndarray, "F 3"],
    face_normals: Float[np.ndarray, "F 3"],
    light: Light,
) -> Float32[np.ndarray, "P 3"]:
    """RGB in [0, 1] of surface points.

    colour = base (1 + texture) (ambient sky + diffuse tint max(0, n.l)) + gloss max(0, n.h)^20

    Args:
        faces: face of each point.
        points: CAD frame.
        face_normals: unit normals of either sign; the side that faces the camera is lit.
    """
    towards = face_normals @ light.eye
    normals = face_normals * np.where(towards < 0, -1.0, 1.0)[:, None]
    half = light.sun + light.eye
    highlight = light.gloss * np.maximum(normals @ (half / np.linalg.norm(half)), 0) ** 20
    sky = light.ambient * (0.8 + 0.2 * normals[:, 2])
    irradiance = sky[:, None] + light.diffuse * np.maximum(normals @ light.sun, 0)[:, None] * light.tint
    diffuse = (face_colours * irradiance).astype(np.float32)
    waves = np.sin(points @ light.texture_waves.T.astype(np.float32) + light.texture_phases.astype(np.float32))
    texture = 1 + np.float32(light.texture_strength) * waves.sum(axis=1, keepdims=True)
    return np.clip(diffuse[faces] * texture + highlight[faces, None].astype(np.float32), 0, 1)
