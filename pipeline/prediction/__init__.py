"""Predicting posed, deformed meshes for photographs, and their files and pictures."""
