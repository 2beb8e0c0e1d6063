"""Scoring of predicted correspondences: PCK, the feature baselines and the evaluation of one category."""
