"""Whether a model turns in circles, while it speaks."""

from __future__ import annotations

# Of longer lines the beginning is compared.
MAX_COMPARED = 1000


class Repeats:
    """Counts how often the same line, blank ones apart, comes in a row.

    Args:
        limit: how often it may.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._begun = self._last = ""
        self._count = 0

    def feed(self, piece: str) -> bool:
        """Whether the limit is passed with this piece of text; it stays so."""
        *ended, begun = piece.split("\n")
        for part in ended:
            self._hold(part)
            self._end()
        self._hold(begun)
        return self._count > self._limit

    def _hold(self, part: str) -> None:
        self._begun += part[: MAX_COMPARED - len(self._begun)]

    def _end(self) -> None:
        line, self._begun = self._begun.strip(), ""
        if not line or self._count > self._limit:
            return
        self._count = self._count + 1 if line == self._last else 1
        self._last = line
