"""The shipped profiles."""

from pipeline.config.profiles import read_profile
from support.paths import ROOT

PROFILES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))


def generates_or_fetches(name: str) -> bool:
    """Whether the stages of a profile make or download its data; other profiles read a folder of the user's."""
    data = read_profile(ROOT / "profiles", name).get("data", {})
    return data.get("generate") != [] or bool(data.get("fetch"))
