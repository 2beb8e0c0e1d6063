"""Entry points of the DVC stages: each parses its arguments, calls the library and writes its outputs."""

import os

# Read when torch loads, which is after this package: waiting OpenMP threads sleep instead of taking the cores from
# the rasterizer's threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A run never tries the network.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
