"""Before any test: the environment, and run-time checks of every annotation in `pipeline` and `semagic`."""

import os

# OpenMP reads these when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DVC_NO_ANALYTICS"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MPLBACKEND"] = "Agg"
# No test may find, or write into, what the person who runs the tests has recorded.
for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
    os.environ.pop(name, None)

from hypothesis import settings  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

import support.typecheck  # noqa: E402, F401

# The same examples on every run; a busy machine fails nothing.
settings.register_profile("project", derandomize=True, deadline=None)
settings.load_profile("project")

install_import_hook(["pipeline", "semagic"], "support.typecheck.typechecked")

import torch  # noqa: E402

torch.set_num_threads(1)
