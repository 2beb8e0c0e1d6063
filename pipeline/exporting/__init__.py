"""A trained category as files for others: the model bundle, meshes, and projected vertices."""
