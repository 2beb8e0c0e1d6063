"""Pages that a person clicks: photographs, their matches and meshes of one category, and an overview of the run."""
