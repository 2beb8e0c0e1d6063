"""MLflow runs of every stage."""
