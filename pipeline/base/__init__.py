"""Foundations of every other package: errors, atomic files, seeded generators, YAML text."""
