"""Removal of passwords and tokens from what is shown, written to logs, or recorded."""

import os
import re
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST = 6
"""Number of characters below which a secret is not searched as a word of its own, as it may be part of any word."""
VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""Environment variables of MLflow whose values are secret."""
USER = re.compile(r"(?<=://)[^\s'\"/?#]*@")
"""What stands before the host of an address, such as `user:password@`."""
QUERY = re.compile(r"(?<=[?&])([\w.-]+)=[^&#\s'\")]+")
"""One `name=value` in the query of an address."""


def without_secrets(text: str) -> str:
    """Replace passwords and tokens by `***`.

    These are the user and password of every address, the values in its query, and the values of MLflow's environment
    variables wherever they appear.
    """
    for secret in sorted(_known_secrets(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return QUERY.sub(rf"\1={HIDDEN}", USER.sub(f"{HIDDEN}@", text))


def describe(error: BaseException) -> str:
    """Return the first line of an error without secrets, or the name of its type where it has no text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return without_secrets(lines[0] if lines else type(error).__name__)


def _known_secrets() -> set[str]:
    found = {os.environ.get(name, "") for name in VARIABLES}
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    if user := re.search(r"://(.*)@", address):
        name, _, password = user[1].partition(":")
        # An address may hold a token in the place of the user, without a password.
        found.add(password or name)
    found |= set(re.findall(r"(?:token|password|key|secret)\w*=([^&#]+)", address, flags=re.IGNORECASE))
    return {form for secret in found for form in (secret, unquote(secret)) if len(form) >= SHORTEST}
