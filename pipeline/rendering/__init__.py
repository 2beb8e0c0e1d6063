"""Differentiable rendering: a small rasterizer interface and its backends."""
