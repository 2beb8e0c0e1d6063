"""Recording of every stage as MLflow runs."""
