"""Pictures that a question calls by file name or by number, as moments."""

from __future__ import annotations

import re

import numpy as np

from rs_copilot.reasoning.views import Views

NUMBERED = re.compile(
    r"\b(frames?|photos?|pictures?|images?|stills?)\s+(?:no\.?\s*|nr\.?\s*|number\s+|#\s*)?(\d{1,7})\b(?!\s*(?:m|s|x)\b|[.:]\d)",
    re.IGNORECASE,
)
# "Frames 3, 7 and 12", "at 2, 5 and 9 s": the word or the unit is said once for all.
_AND = r"(?:\s*,\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+)"
_SHORT = r"\d{1,6}(?:\.\d{1,3})?"
SEVERAL = re.compile(
    rf"\b(frame|photo|picture|image|still)s\s+(\d{{1,7}}(?:{_AND}\d{{1,7}})+)\b(?!\s*(?:m|s)\b)", re.I
)
LISTED = re.compile(rf"(?<![\w.])((?:{_SHORT}{_AND})+)({_SHORT})\s*(s|sec|seconds)\b", re.I)


def _each(text: str) -> str:
    """A text in which every number of a list has its word, or its unit."""
    line = SEVERAL.sub(lambda m: re.sub(r"\d+", lambda number: f"{m[1]} {number[0]}", m[2]), text)
    return LISTED.sub(
        lambda m: re.sub(_SHORT, lambda number: f"{number[0]} s", m[1]) + f"{m[2]} {m[3]}", line
    )


def with_moments(text: str, views: Views) -> str:
    """A text in which names of files and numbers of frames are the moments of these pictures.

    The times of separate photos are their numbers in the folder.
    """
    line = _each(text)
    for name, time_s in sorted(views.times_by_file.items(), key=lambda item: -len(item[0])):
        line = re.sub(
            rf"(?<![\w.]){re.escape(name)}(?!\w|\.\w)", f"photo {_moment(time_s)}", line, flags=re.IGNORECASE
        )
    return NUMBERED.sub(lambda match: _frame(match, views), line)


def _frame(match: re.Match[str], views: Views) -> str:
    number = int(match[2])
    if not len(views) or number > views.frames[-1]:
        return match[0]
    return f"{match[1]} {_moment(float(np.interp(number, views.frames, views.times_s)))}"


def _moment(time_s: float) -> str:
    return f"{time_s:.3f} s"
