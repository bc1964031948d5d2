"""A model's call of the zoom tool, as Qwen models write calls: JSON between tags."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing.thought import split_thought

TOOL = "image_zoom_in"
# Longer calls are none; it also keeps nesting shallow enough for the decoder.
MAX_CALL = 500
FULL_PER_MILLE = 1000
_CALL = re.compile(r"<tool_call>")
_END = "</tool_call>"


@dataclass(frozen=True)
class ZoomCall:
    """A call. ``box`` is left, top, right, bottom in the model's coordinates; ``reason`` is why it lacks."""

    box: tuple[int, int, int, int] | None
    reason: str = ""


def parse_zoom_call(
    text: str, seen: SizeWH, *, coordinates: Coordinates = Coordinates.SEEN_PX
) -> ZoomCall | None:
    """The first call in an answer; ``None`` where there is none and the text is the answer. Never raises.

    Args:
        text: the whole answer; words before and after the call do not matter.
        seen: size of the picture as the model sees it.
        coordinates: what numbers mean.
    """
    answer = split_thought(text)[1]
    found = _CALL.search(answer)
    if found is None:
        return None
    # The end tag may be missing where the model stops at it.
    body = answer[found.end() : found.end() + MAX_CALL + len(_END)].partition(_END)[0]
    try:
        call = json.loads(body) if len(body) <= MAX_CALL else None
    except (ValueError, RecursionError):
        call = None
    if not isinstance(call, dict) or call.get("name") != TOOL:
        return ZoomCall(None, f"expected a call of {TOOL} in JSON, found {body[:100].strip()!r}")
    return _checked(call.get("arguments"), seen, coordinates)


def _checked(arguments: object, seen: SizeWH, coordinates: Coordinates) -> ZoomCall:
    box = arguments.get("bbox") if isinstance(arguments, dict) else None
    if not isinstance(box, list) or len(box) != 4 or not all(type(side) in (int, float) for side in box):
        return ZoomCall(None, f"expected four numbers as bbox, found {str(box)[:100]}")
    is_per_mille = coordinates is Coordinates.PER_MILLE
    width, height = (FULL_PER_MILLE,) * 2 if is_per_mille else (seen.width_px, seen.height_px)
    x1, y1, x2, y2 = box
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
        return ZoomCall(None, f"expected a box inside {width} x {height}, found {str(box)[:100]}")
    return ZoomCall((math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)))
