"""How models say that there is nothing. It differs from text that could not be read."""

from __future__ import annotations

import re

# Longer text says more than that.
MAX_NOTHING = 1000
# The paper says "is", its code "are"; other models name what there is not.
_NOTHING = re.compile(r"there (?:is|are) (?:none|no [\w ,'-]{1,200})|none|\[\s{0,9}\]|", re.IGNORECASE)
_FENCE = re.compile(r"```(?:json)?")
_EDGES = " \t\r\n.`\"'"
SENTENCE = "There are none."
"""The sentence that RSCoVLM's code recognises."""


def says_nothing(text: str) -> bool:
    """Whether an answer, or a line of it, says clearly that there is nothing; empty text does."""
    return len(text) <= MAX_NOTHING and _NOTHING.fullmatch(_FENCE.sub("", text).strip(_EDGES)) is not None
