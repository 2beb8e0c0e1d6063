"""Entry points of the DVC stages: each parses its arguments, calls the library and writes its outputs."""

import os

# numpy and torch read these variables when they load, which is after this package. One thread keeps results independent
# of the number of cores, because sums on several threads round in a different order. `semagic run` uses all cores by
# running stages in parallel.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# A run never accesses the network.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
