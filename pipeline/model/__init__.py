"""The deformable category model: template, networks, and the view that renders it."""
