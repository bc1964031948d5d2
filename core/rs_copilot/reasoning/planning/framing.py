"""What stands around a question and asks nothing: greetings, "based on the video", "select the correct option"."""

from __future__ import annotations

import re
from functools import lru_cache

from rs_copilot.reasoning.planning.phrases import phrase, read_phrases

# A capital letter alone may be a mark.
MARK = re.compile(r"\b[A-HJ-Z]\b")
SENTENCE = re.compile(r"(?<=[.?!:;])\s+|\s+(?=\()")


def unframed(text: str) -> str:
    """A question without what stands around it. Where nothing else is said, the text as it is."""
    kept = [piece for piece in SENTENCE.split(text) if not _is_frame(piece)]
    line = _bare(" ".join(kept))
    return line or text


def _bare(text: str) -> str:
    """A sentence without opening words and clauses that ask nothing."""
    line = text
    for _ in range(4):
        before = line
        line = re.sub(phrase("opening"), "", line, flags=re.IGNORECASE).lstrip(" ,:-")
        head, comma, rest = line.partition(",")
        if comma and rest.strip() and _is_frame(head):
            line = rest.lstrip()
        if line == before:
            break
    return line


@lru_cache(maxsize=1)
def _frame_words() -> frozenset[str]:
    return frozenset(str(read_phrases()["framing"]).split())


def _is_frame(piece: str) -> bool:
    """Whether all words of a piece are such as ask nothing; a number or a name in it asks something."""
    if MARK.search(piece):
        return False
    words = re.findall(r"[a-z]+|\d", piece.lower().replace("'s", ""))
    return all(word in _frame_words() for word in words)
