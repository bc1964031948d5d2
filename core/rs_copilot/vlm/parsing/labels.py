"""Names of classes as a model spells them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process

# Longer than any name; what a model says beyond is not compared.
MAX_LABEL = 200
_GAPS = re.compile(r"[\s_\-]+")
_EDGES = " .,;:\"'`*"


def plain_label(label: str) -> str:
    """In lower case, with single spaces for gaps, dashes and underscores, without marks around it."""
    return _GAPS.sub(" ", label[:MAX_LABEL]).strip(_EDGES).lower()


@lru_cache(maxsize=16)
def _plain_names(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The same classes are asked for of picture after picture."""
    return tuple(plain_label(name) for name in classes)


class Names:
    """The classes that were asked for.

    ``min_match`` is the least similarity, 0 to 100, by RapidFuzz's normalised edit distance
    (``fuzz.ratio``), at which a spelling counts as one of them.
    """

    def __init__(self, classes: Sequence[str], min_match: float) -> None:
        self._classes = tuple(classes)
        self._plain = _plain_names(self._classes)
        self._min_match = min_match
        self._known: dict[str, str | None] = {}

    def match(self, label: str) -> str | None:
        """The class that is meant; the label in plain form where no classes were given, ``None`` if unknown.

        Where one class was asked for, an object without a name is of that class.
        """
        said = plain_label(label)
        if not self._classes:
            return said
        if not said and len(self._classes) == 1:
            return self._classes[0]
        if said not in self._known:
            self._known[said] = self._nearest(said)
        return self._known[said]

    def _nearest(self, said: str) -> str | None:
        if said in self._plain:
            return self._classes[self._plain.index(said)]
        found = process.extractOne(said, self._plain, scorer=fuzz.ratio, score_cutoff=self._min_match)
        return None if found is None else self._classes[found[2]]
