"""SEMAGIC: category-level deformable 3D models and dense semantic correspondences from single photographs."""
