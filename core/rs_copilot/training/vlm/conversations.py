"""Conversations to learn from, in the two forms in which people keep them.

* Messages: ``{"messages": [{"role": ..., "content": ...}]}`` or the list alone. Content is text or a list of
  parts ``{"type": "text", "text": ...}``, ``{"type": "image", "image": ...}`` and
  ``{"type": "video", "video": [...], "fps": ...}``, where a video is a list of its frames.
* LLaVA: ``{"image": ..., "conversations": [{"from": "human", "value": "<image>\\n..."}]}``. Each ``<image>``
  or ``<video>`` stands for the next picture or clip of the record.

Pictures are files, relative to the folder of the data, or data URIs. Everything is checked when it is read,
so that a training does not stop in its second hour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rs_copilot.errors import BadInputError
from rs_copilot.vlm.messages import Role, TextPart
from rs_copilot.vlm.resize import PixelBudget

# What processors of Qwen models take where nothing is said (qwen-vl-utils).
DEFAULT_FPS = 2.0
_SENDERS = {
    "human": Role.USER,
    "user": Role.USER,
    "gpt": Role.ASSISTANT,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
}
_PLACEHOLDER = re.compile(r"<(image|video)>\n?")
Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """A picture that is not read yet: a path, or a data URI; ``budget`` is how many pixels shall be seen."""

    source: Path | str
    budget: PixelBudget | None = None


@dataclass(frozen=True)
class StoredClip:
    """Frames of a clip that are not read yet, and how many of them there are in a second."""

    frames: tuple[Stored, ...]
    fps: float = DEFAULT_FPS


StoredPart: TypeAlias = TextPart | Stored | StoredClip


@dataclass(frozen=True)
class Turn:
    """What one side says; pictures stand before the words about them."""

    role: Role
    parts: tuple[StoredPart, ...]


@dataclass(frozen=True)
class Example:
    """A conversation to learn from. ``key`` is its name in the file, or its number."""

    key: str
    turns: tuple[Turn, ...]

    @property
    def pictures(self) -> tuple[Stored, ...]:
        """Every picture in order, frames of clips one by one."""
        parts = [part for turn in self.turns for part in turn.parts]
        clips = [part.frames if isinstance(part, StoredClip) else (part,) for part in parts]
        return tuple(picture for frames in clips for picture in frames if isinstance(picture, Stored))


def read_conversations(path: Path, folder: Path | None = None) -> list[Example]:
    """Every conversation of a JSON file (a list) or a JSON Lines file.

    Args:
        path: the file.
        folder: where the pictures are; without it the folder of the file.

    Raises:
        BadInputError: it cannot be read, or a record is no conversation; the message names it.
    """
    return [
        example_of(record, folder or path.parent, f"{path.name}: record {number}")
        for number, record in enumerate(_records(path))
    ]


def example_of(record: object, folder: Path, key: str) -> Example:
    """One conversation.

    Raises:
        BadInputError: it is none; ``key`` names it in the message.
    """
    if isinstance(record, list):
        record = {"messages": record}
    if not isinstance(record, dict):
        raise BadInputError(f"{key}: expected an object or a list of messages, found {_kind(record)}")
    if isinstance(record.get("messages"), list):
        turns = tuple(_turn(message, folder, key) for message in record["messages"])
    elif isinstance(record.get("conversations"), list):
        turns = _llava_turns(record, folder, key)
    else:
        raise BadInputError(f"{key}: expected a list as messages or conversations")
    _check_order(turns, key)
    name = record.get("id", record.get("question_id"))
    return Example(key if name is None else str(name), turns)


def _records(path: Path) -> Iterator[object]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() in {".jsonl", ".ndjson"}:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
            return
        found = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"cannot read the conversations {path}: {error}") from error
    if not isinstance(found, list):
        raise BadInputError(f"{path.name}: expected a list of conversations, found {_kind(found)}")
    yield from found


def _turn(message: object, folder: Path, key: str) -> Turn:
    if not isinstance(message, dict) or message.get("role") not in {role.value for role in Role}:
        raise BadInputError(f"{key}: expected messages with the role system, user or assistant")
    content = message.get("content")
    if isinstance(content, str):
        return Turn(Role(message["role"]), (TextPart(content),))
    if not isinstance(content, list):
        raise BadInputError(f"{key}: expected content that is text or a list, found {_kind(content)}")
    return Turn(Role(message["role"]), tuple(_part(part, folder, key) for part in content))


def _part(part: object, folder: Path, key: str) -> StoredPart:
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict):
        if kind == "text" and isinstance(part.get("text"), str):
            return TextPart(part["text"])
        if kind == "image":
            return Stored(_source(part.get("image"), folder, key), _budget(part, key))
        if kind == "video":
            return _clip(part.get("video"), part, folder, key)
    raise BadInputError(f"{key}: expected parts of the type text, image or video, found {str(part)[:100]}")


def _llava_turns(record: Record, folder: Path, key: str) -> tuple[Turn, ...]:
    waiting = {"image": iter(_listed(record.get("image"))), "video": iter(_listed(record.get("video")))}
    turns = []
    for said in record["conversations"]:
        sender = said.get("from") if isinstance(said, dict) else None
        if sender not in _SENDERS or not isinstance(said.get("value"), str):
            raise BadInputError(f"{key}: expected turns with from (human or gpt) and value")
        turns.append(Turn(_SENDERS[sender], _llava_parts(said["value"], waiting, folder, key)))
    left = [kind for kind, sources in waiting.items() if next(sources, None) is not None]
    if left:
        raise BadInputError(f"{key}: more than one {left[0]} for each <{left[0]}> in the text")
    return tuple(turns)


def _llava_parts(
    text: str, waiting: Mapping[str, Iterator[object]], folder: Path, key: str
) -> tuple[StoredPart, ...]:
    pictures: list[StoredPart] = []
    for placeholder in _PLACEHOLDER.finditer(text):
        kind = placeholder[1]
        source = next(waiting[kind], None)
        if source is None:
            raise BadInputError(f"{key}: no {kind} is left for a <{kind}> in the text")
        if kind == "image":
            pictures.append(Stored(_source(source, folder, key)))
        else:
            pictures.append(_clip(source, {}, folder, key))
    return (*pictures, TextPart(_PLACEHOLDER.sub("", text)))


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else [] if found is None else [found]


def _source(found: object, folder: Path, key: str) -> Path | str:
    if not isinstance(found, str) or not found:
        raise BadInputError(f"{key}: expected the path of a picture, found {_kind(found)}")
    if found.startswith("data:image/"):
        return found
    if "://" in found and not found.startswith("file://"):
        raise BadInputError(
            f"{key}: pictures are read from files, found {found[:100]}", hint="Download them first."
        )
    return folder / found.removeprefix("file://")


def _clip(found: object, part: Record, folder: Path, key: str) -> StoredClip:
    fps = part.get("fps", DEFAULT_FPS)
    if not isinstance(found, list) or not found:
        raise BadInputError(
            f"{key}: expected a video as a list of its frames, found {_kind(found)}",
            hint="Write the frames to files first, for example with ffmpeg.",
        )
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 0 < fps <= 1000:
        raise BadInputError(f"{key}: expected fps over 0, found {fps!r}")
    budget = _budget(part, key)
    return StoredClip(tuple(Stored(_source(frame, folder, key), budget) for frame in found), float(fps))


def _budget(part: Record, key: str) -> PixelBudget | None:
    """From ``resized_width`` and ``resized_height``, else from ``min_pixels`` and ``max_pixels``."""
    sides = (part.get("resized_width"), part.get("resized_height"))
    low, high = part.get("min_pixels"), part.get("max_pixels")
    if None not in sides:
        low = high = _whole(sides[0], key) * _whole(sides[1], key)
    if low is None and high is None:
        return None
    least = 1 if low is None else _whole(low, key)
    return PixelBudget(least, max(least, _whole(high, key)) if high is not None else max(least, 1 << 30))


def _whole(found: object, key: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or found <= 0:
        raise BadInputError(f"{key}: expected a whole number of pixels over 0, found {found!r}")
    return found


def _check_order(turns: Sequence[Turn], key: str) -> None:
    roles = [turn.role for turn in turns if turn.role is not Role.SYSTEM]
    wanted = [Role.USER, Role.ASSISTANT] * (len(roles) // 2)
    if not roles or roles != wanted or any(turn.role is Role.SYSTEM for turn in turns[1:]):
        raise BadInputError(
            f"{key}: expected user and assistant in turn, after one system message at most, ending with the "
            f"assistant; found {', '.join(turn.role.value for turn in turns) or 'nothing'}"
        )


def _kind(found: object) -> str:
    return "nothing" if found is None else f"{type(found).__name__} {str(found)[:50]!r}"
