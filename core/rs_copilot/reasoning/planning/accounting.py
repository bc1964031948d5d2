"""Whether a program makes use of all that a question names: what is left over was not understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rs_copilot.reasoning.planning import families, pose
from rs_copilot.reasoning.planning.draft import Draft, Parsed, Unclear, replaced_names
from rs_copilot.reasoning.planning.mentions import CLOSE, MENTION, OPEN
from rs_copilot.reasoning.planning.phrases import read_phrases
from rs_copilot.reasoning.tasks import SpatialTask as T
from rs_copilot.reasoning.things import Kind

# "The 4 squares" says no more than "the squares".
COUNTED = re.compile(
    r"\b\d{1,2} (?:\w+ ){0,2}"
    r"(?:mark|square|line|point|zone|area|place|option|tile|box|boxe|path|route)s?\b"
)
LEFT_NUMBER = re.compile(r"\b\d[\d.]*\b")


def left_over(draft: Draft, family: str) -> None:
    """Make sure that nothing is left.

    Raises:
        Unclear: a name, a moment or a word that changes the meaning has no part in the program.
    """
    parsed = draft.parsed
    names = [parsed.things[n].name for n in parsed.mentioned() if n not in draft.used]
    if names:
        raise Unclear(f"it is not clear what {' and '.join(names)} has to do with it")
    times = parsed.times
    if (times.at_s is not None or times.has_span) and not draft.has_used_time:
        raise Unclear("it is not clear what the moment has to do with it")
    if parsed.radius is not None and not draft.has_used_length:
        raise Unclear("it is not clear what the length has to do with it")
    number = LEFT_NUMBER.search(COUNTED.sub(" ", re.sub(MENTION, " ", parsed.text)))
    if number is not None and "⟨" not in parsed.text:
        raise Unclear(f"it is not clear what {number[0]} has to do with it")
    if "⟨" in parsed.text:
        raise Unclear("it is not clear what is meant at which of the moments")
    words = unknown_words(parsed)
    if family == T.COUNTING.value and words and not parsed.memory.by_kind[Kind.MARK]:
        # What is counted may be narrowed by any word.
        raise Unclear(f"it is not clear what {words[0]!r} has to do with it")
    for row in read_phrases()["twists"]:
        found = re.search(row["pattern"], parsed.text)
        if found is not None and _is_refused(row, family):
            said = replaced_names(found[0], parsed.things).replace(OPEN, "").replace(CLOSE, "").strip()
            raise Unclear(f"nothing can be made of {said!r} here")


def _is_refused(row: Mapping[str, Any], family: str) -> bool:
    """Whether a word that changes the meaning is none that programs of a family express."""
    return ("in" in row and family not in row["in"]) or family in row.get("out", ())


def unknown_words(parsed: Parsed) -> tuple[str, ...]:
    """Long words that no concept and no pattern knows."""
    known = families.vocabulary() | pose.vocabulary()
    words = re.findall(r"[a-z]{4,}", re.sub(MENTION, " ", parsed.text))
    return tuple(dict.fromkeys(word for word in words if word not in known))
