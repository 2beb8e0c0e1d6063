"""The networks of the deformable model: coordinate MLPs, token encoders, pose head, light."""
