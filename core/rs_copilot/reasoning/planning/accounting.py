"""Whether a program makes use of all that a question names: what is left over was not understood."""

from __future__ import annotations

import re

from rs_copilot.reasoning.planning.draft import Draft, Unclear, replaced_names
from rs_copilot.reasoning.planning.mentions import CLOSE, OPEN
from rs_copilot.reasoning.planning.phrases import read_phrases


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
    if re.search(r"⟨", parsed.text):
        raise Unclear("it is not clear what is meant at which of the moments")
    for row in read_phrases()["twists"]:
        found = re.search(row["pattern"], parsed.text)
        if found is not None and family not in row["in"]:
            said = replaced_names(found[0], parsed.things).replace(OPEN, "").replace(CLOSE, "").strip()
            raise Unclear(f"nothing can be made of {said!r} here")
