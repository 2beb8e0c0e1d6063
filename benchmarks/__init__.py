"""What the pipeline costs, measured on this machine: `python -m benchmarks`. It runs from the checkout only."""

# Everything computes on one thread, as in a stage, where it is not said that there are more.
import stages  # noqa: F401
