"""What the pipeline costs, measured on this machine: `python -m benchmarks`. It runs from the checkout only."""
