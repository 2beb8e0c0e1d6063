"""Tetrahedral grid, marching tetrahedra and triangle-mesh operations."""
