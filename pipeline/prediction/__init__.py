"""From photographs to posed, deformed meshes, on disk and in pictures."""
