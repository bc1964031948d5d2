"""What is said of corrections and of what the scene knows, in the user's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .presenters.conversation import plain
from .presenters.corrections import Correction, CorrectionKind
from .translate import tr


def thing_title(key: str) -> str:
    """A track or an object by its number."""
    word, _, number = key.partition(" ")
    name = {"track": tr("track {}"), "object": tr("object {}")}.get(word)
    return plain(key) if name is None else name.format(number)


def correction_title(item: Correction) -> str:
    """What was corrected."""
    things = ", ".join(map(thing_title, item.things))
    if item.kind is CorrectionKind.MERGE:
        return tr("{} are one").format(things)
    if item.kind is CorrectionKind.RELABEL:
        return tr("{} is “{}”").format(things, item.label)
    return tr("{} is not there").format(things)


def done_text(result: Mapping[str, Any]) -> str:
    """What came of a correction, with the advice to ask again."""
    if result.get("undone"):
        text = tr("The correction is undone.")
    elif result.get("cleared") and not result.get("numbers"):
        return tr("{} rows were taken out.").format(result["cleared"])
    else:
        text = tr("The scene is corrected.")
    return f"{text} {tr('Answers that were given before are marked; they can be asked again.')}"


def clear_question(title: str, count: int) -> str:
    """Asked before a layer is emptied."""
    return tr("Take all {} rows of “{}” out of the scene? This cannot be undone.").format(count, title)


def drag_hint() -> str:
    """How the place of a frame is corrected."""
    return tr(
        "Drag the frame on the map to where it belongs, then press Locate in the RS Copilot panel: all "
        "answers rest on the places of the frames."
    )
