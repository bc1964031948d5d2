"""What was corrected by hand in a scene, what can be, and how the engine is told. Free of Qt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from .conversation import plain
from .locate import Request

_SORTS = ("track", "object")
_THING = re.compile(r"^(track|object) (\d{1,12})$")
# Layers that can be emptied; places of frames are the scene itself.
CLEARABLE = ("answers", "tracks", "detections", "segments", "groundings", "looks")


class CorrectionKind(str, Enum):
    """What was said about things; the values are the engine's."""

    MERGE = "merge"
    RELABEL = "relabel"
    REMOVE = "remove"


@dataclass(frozen=True)
class Things:
    """Tracks or objects that are one for the user, by the engine's names; of several, pieces of one path."""

    keys: tuple[str, ...]
    clip: str = ""
    title: str = ""

    @property
    def sort(self) -> str:
        """track or object."""
        return self.keys[0].partition(" ")[0]

    def can_be(self, other: Things) -> bool:
        """Whether another one may be the same."""
        both = self.sort == other.sort and self.clip == other.clip
        return both and not set(self.keys) & set(other.keys)


@dataclass(frozen=True)
class Correction:
    """One that the scene has kept. ``made_at`` is a time in UTC, as ISO 8601 has it."""

    number: int
    kind: CorrectionKind
    things: tuple[str, ...]
    label: str = ""
    clip: str = ""
    made_at: str = ""


def things_of(told: object, clip: str, title: str) -> Things | None:
    """The things that evidence names; None where it names none that could be corrected."""
    keys = tuple(str(item) for item in told) if isinstance(told, (list, tuple)) else ()
    return Things(keys, clip, title) if keys and all(map(_THING.match, keys)) else None


def parse_correction(row: Mapping[str, Any]) -> Correction | None:
    """A row of the scene; None where it makes no sense."""
    try:
        things = json.loads(str(row.get("things") or "[]"))
        kind = CorrectionKind(str(row.get("kind")))
        number = int(row.get("number") or 0)
    except ValueError:
        return None
    if not isinstance(things, list) or number < 1:
        return None
    return Correction(
        number,
        kind,
        tuple(plain(str(thing)) for thing in things),
        plain(str(row.get("label") or "")),
        str(row.get("clip") or ""),
        str(row.get("created_at") or ""),
    )


# --- what the engine is told


def merge_request(scene: Path, first: Things, second: Things) -> Request:
    """Two that are one; it keeps the number of the first."""
    return _request(scene, first.clip, merge=[[*first.keys, *second.keys]])


def relabel_request(scene: Path, things: Things, label: str) -> Request:
    """What they really are."""
    return _request(scene, things.clip, relabel=dict.fromkeys(things.keys, label))


def remove_request(scene: Path, things: Things) -> Request:
    """They are not there at all."""
    return _request(scene, things.clip, remove=list(things.keys))


def undo_requests(scene: Path, corrections: Iterable[Correction]) -> list[Request]:
    """Take corrections back, clip by clip."""
    by_clip: dict[str, list[int]] = {}
    for item in corrections:
        by_clip.setdefault(item.clip, []).append(item.number)
    return [_request(scene, clip, undo=sorted(numbers)) for clip, numbers in by_clip.items()]


def clear_request(scene: Path, layer: str) -> Request:
    """Empty a layer, for all clips."""
    return _request(scene, "", clear=[layer])


def _request(scene: Path, clip: str, **what: Any) -> Request:  # noqa: ANN401 - JSON values
    return Request("correct", {"scene": str(scene), "clip": clip or None, **what}, scene.name)


# --- what is asked again


def is_before(asked_at: str, changed_at: str) -> bool:
    """Whether a time in UTC lies before another; no, where one of the two is not known."""
    first, second = _parse_time(asked_at), _parse_time(changed_at)
    return first is not None and second is not None and first < second


def _parse_time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)


def asks_for_things(program: object, abstained: bool) -> bool:
    """Whether an answer's program looks at tracks or objects. Of an answer whose program is not known, yes;
    where there is no answer for want of a program, no.
    """
    steps = program.get("steps") if isinstance(program, Mapping) else None
    if not isinstance(steps, Mapping):
        return not abstained
    return any(isinstance(step, Mapping) and step.get("kind") in _SORTS for step in steps.values())


@dataclass(frozen=True)
class Changes:
    """When tracks and objects of a scene were last changed, and its frames last placed (ISO 8601)."""

    things_at: str = ""
    places_at: str = ""

    def are_after(self, asked_at: str, counts_things: bool) -> bool:
        """Whether an answer of that time may be another one now."""
        return is_before(asked_at, self.places_at) or (counts_things and is_before(asked_at, self.things_at))


def last_changes(rows: Iterable[Mapping[str, Any]]) -> Changes:
    """From a scene's notes of what was run; clearing answers changes nothing."""
    things, places = [], []
    for row in rows:
        made_at = str(row.get("created_at") or "")
        if row.get("command") == "localize":
            places.append(made_at)
        elif row.get("command") != "correct" or _changes_things(row.get("parameters")):
            things.append(made_at)
    return Changes(max(things, default=""), max(places, default=""))


def _changes_things(parameters: object) -> bool:
    try:
        told = json.loads(str(parameters or "{}"))
    except ValueError:
        return False
    if not isinstance(told, dict):
        return False
    cleared = told.get("clear")
    cleared = set(cleared) if isinstance(cleared, list) else set()
    return any(told.get(name) for name in ("merge", "relabel", "remove", "undo")) or bool(
        cleared - {"answers", "corrections"}
    )
