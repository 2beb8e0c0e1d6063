"""Entry points of the DVC stages: each parses its arguments, calls the library and writes its outputs."""

import os

# Read when numpy and torch load, which is after this package. Sums on several threads are rounded in another order, so
# that results would depend on the number of cores; `pipeline.fanout` uses them by running stages side by side.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# A run never tries the network.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
