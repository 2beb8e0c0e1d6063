"""Correspondences between photographs: through the template, by local search, and by nearest neighbours."""
