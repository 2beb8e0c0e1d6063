"""Letters from workers that share no folder with the head: what their stages print, and what they could go on from."""

from typing import NamedTuple

from pipeline.cluster.packs import Pack


class Letter(NamedTuple):
    """News of an attempt."""

    stage: str
    token: str
    printed: bytes
    """What its commands have printed since the letter before."""
    progress: tuple[str, ...] | None
    """Paths of the files that another attempt could go on from; None in the last letter."""
    packs: list[Pack]
    """Those of them that are new. They are sent themselves: what lies in the object store dies with its worker."""


class Mailbox:
    """Where workers put letters, and the head takes them out; it lives in the cluster as an actor.

    Letters of attempts that are not wanted any more are refused, so that a worker that was believed dead learns of it.
    A mailbox that has just been started again knows of no attempt, and refuses none until it is told.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, str] | None = None
        self._letters: list[Letter] = []

    def want(self, tokens: dict[str, str]) -> None:
        """Say which attempts are wanted, by their stages."""
        self._wanted = tokens

    def post(self, letter: Letter) -> bool:
        """Put a letter in. Returns whether the attempt is still wanted."""
        if self._wanted is not None and self._wanted.get(letter.stage) != letter.token:
            return False
        self._letters.append(letter)
        return True

    def take(self) -> list[Letter]:
        """Take all letters out, the oldest first."""
        letters, self._letters = self._letters, []
        return letters
