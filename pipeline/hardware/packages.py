"""Check whether an optional package that needs a GPU can be used on this machine, with the remedy if not."""

import importlib

import torch


def obstacle(package: str, module: str, command: str) -> str:
    """Explain in sentences why a module cannot be used on this machine, with the remedy. Empty if it can be used.

    Args:
        package: name of the package.
        module: module of the package. If only the module is missing, a different package of the same name is installed.
        command: command that installs the package.
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
        # The compiled extension was built for another version of torch or CUDA.
        return f"{package} cannot be imported ({error}). Build it again for torch {torch.__version__}: {command}"
    return ""
