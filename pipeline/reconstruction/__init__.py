"""Reconstruction error: predicted meshes aligned to CAD models, and their Chamfer distance (SEMAGIC section 4.3)."""
