"""Optional packages that need a GPU: whether one can be used here, and if not, what to do about it."""

import importlib

import torch


def obstacle(package: str, module: str, command: str) -> str:
    """Why `module` of `package` cannot be used here and how to mend it, as sentences; empty if it can.

    Args:
        command: installs the package. A package without the module is another one of the same name.
    """
    if not torch.cuda.is_available():
        return (
            f"{package} needs an NVIDIA GPU, and torch {torch.__version__} finds none here. If there is one, install a "
            "build of torch for CUDA that fits its driver."
        )
    try:
        importlib.import_module(package)
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == package:
            return f"{package} is not installed. Install it: {command}"
        if error.name is not None and module.startswith(error.name):
            return (
                f"The {package} that is installed has no module {error.name}: it is an empty placeholder or another "
                f"project of that name. Remove it (pip uninstall {package}) and install the real one: {command}"
            )
        return f"{package} cannot be imported ({error}). Install what it lacks, or all of it again: {command}"
    except (ImportError, OSError, RuntimeError) as error:
        # Its compiled part was built for another torch, or for another CUDA.
        return f"{package} cannot be imported ({error}). Build it again for torch {torch.__version__}: {command}"
    return ""
