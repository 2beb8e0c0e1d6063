"""Reconstruction error: Chamfer distance of predicted meshes to CAD models after alignment (SEMAGIC section 4.3)."""
