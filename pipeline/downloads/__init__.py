"""Downloads pinned by their hash: transfer, safe unpacking, and a manifest of every file."""
