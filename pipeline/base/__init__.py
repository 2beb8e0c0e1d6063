"""What every other package builds on: errors, atomic files, seeded generators, YAML text."""
