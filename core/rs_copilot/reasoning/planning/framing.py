"""What stands around a question and asks nothing: greetings, "based on the video", "select an option"."""

from __future__ import annotations

import re
from functools import lru_cache

from rs_copilot.reasoning.planning.phrases import phrase, read_phrases

# A capital letter alone may be a mark.
MARK = re.compile(r"\b[A-HJ-Z]\b")
ASKS = re.compile(
    r"\W*(?:is|are|was|were|do|does|did|can|could) (?:it|this|that|one|we|you)\b.*\?", re.IGNORECASE
)
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


@lru_cache(maxsize=2)
def _words(name: str) -> frozenset[str]:
    return frozenset(str(read_phrases()[name]).split())


def _is_frame(piece: str) -> bool:
    """Whether all words of a piece are such as ask nothing; a number or a name in it asks something."""
    if MARK.search(piece) or ASKS.match(piece):
        return False
    words = set(re.findall(r"[a-z]+|\d", piece.lower().replace("'s", "")))
    return words <= _words("framing") | _words("framing small") and bool(words & _words("framing"))
