"""Training of one category's model."""
