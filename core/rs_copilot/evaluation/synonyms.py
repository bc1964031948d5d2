"""Which words LRS-VQA takes for the same: those that share a sense in WordNet. Reads the corpus through nltk.

The benchmark asks for a path similarity above 0.8. That similarity is 1 / (1 + d) for d steps between two
senses, so that above 0.8 means no step at all: the same sense.
"""

from __future__ import annotations

from collections.abc import Callable

from rs_copilot.evaluation.words import normal


def open_synonyms() -> Callable[[str, str], bool] | None:
    """What says whether two texts mean the same; ``None`` where nltk or its WordNet is not here."""
    try:
        from nltk.corpus import wordnet
    except ModuleNotFoundError:
        return None
    try:
        wordnet.synsets("tree")
    except LookupError:
        return None
    return lambda first, second: share_a_sense(wordnet.synsets, first, second)


def share_a_sense(senses: Callable[[str], list[object]], first: str, second: str) -> bool:
    """Whether two texts have a sense in common; ``senses`` gives those of a word.

    Words are looked up as they stand: WordNet writes compounds with an underscore, the benchmark does not
    put any, so that compounds have no senses there either.
    """
    one, other = senses(normal(first)), senses(normal(second))
    return any(sense in other for sense in one)
