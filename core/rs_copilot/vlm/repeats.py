"""Notices a model that says the same line again and again."""

from __future__ import annotations


class Repeats:
    """Hears an answer piece by piece; ``limit`` is how often the same line may come in a row."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest, self._last, self._count = "", "", 0

    def feed(self, piece: str) -> bool:
        """True once a line has come more often than it may. Blank lines do not count."""
        *lines, self._rest = (self._rest + piece).split("\n")
        for line in filter(None, map(str.strip, lines)):
            self._count = self._count + 1 if line == self._last else 1
            self._last = line
            if self._count > self._limit:
                return True
        return False
