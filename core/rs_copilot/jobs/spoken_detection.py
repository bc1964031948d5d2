"""Asking a model for every object of some classes: whole pictures or tiles of them, and what was answered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from pydantic import Field

from rs_copilot.errors import UsageError
from rs_copilot.evaluation.detection import Boxes
from rs_copilot.evaluation.pictures import find_pictures, read_picture, read_size
from rs_copilot.evaluation.records import Record, key_of, read_records, text_of
from rs_copilot.evaluation.spoken import (
    OVERLAP_PX,
    TILE_PX,
    TileAnswer,
    cut_out,
    merge_tiles,
    said_boxes,
    tiles_of,
)
from rs_copilot.jobs.answering import AnswerParams, Question, Who, answered, open_respondent
from rs_copilot.jobs.asking import PICTURE_FIELDS, Asker, conversation_of, open_asker, places_of, words_of
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import AnswerCounts, count_places
from rs_copilot.tiles.plan import Tile
from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.answers import Parsed, Shape
from rs_copilot.vlm.backend import Conversation
from rs_copilot.vlm.parsing import Reading
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.tasks import Prompt, Task

# How DOTA's tools name a tile: picture, side, and where it starts.
TILE_NAME = re.compile(r"(?P<picture>.+)__(?P<side>\d{1,5})__(?P<x>\d{1,6})___(?P<y>\d{1,6})")


class SpokenDetectionParams(AnswerParams):
    """How objects are asked for. Pictures larger than ``tile_px`` are asked about tile by tile (0: never);
    ``shape`` is how places are asked for, ``reading`` how forgiving answers are read.
    """

    shape: Shape = Shape.QUAD
    tile_px: int = Field(default=TILE_PX, ge=0, le=8192)
    overlap_px: int = Field(default=OVERLAP_PX, ge=0)
    reading: Reading = Reading.TOLERANT
    max_tokens: int = 4096


@dataclass(frozen=True)
class Spoken:
    """Objects by picture, in its pixels; how they were said, and by whom."""

    found: dict[str, Boxes] = field(repr=False)
    counts: AnswerCounts
    who: Who


def ask_for_objects(
    params: SpokenDetectionParams, classes: Sequence[str], truth: Mapping[str, Boxes], context: JobContext
) -> Spoken:
    """Ask about every picture of the folder that has a truth (all of them where none has one), or read given
    answers.

    Args:
        params: who is asked, and how.
        classes: names as models say them.
        truth: objects by picture.
        context: hears of progress, stops the work.

    Raises:
        UsageError: no folder of pictures for a model.
        BadInputError: a file or picture cannot be used.
        RsCopilotError: whatever the model raises.
    """
    given = None if params.predictions is None else _given(params.predictions)
    with open_respondent(params, given, context) as respondent:
        asker = open_asker(params, respondent, params.folders)
        prompt = write_prompt(
            Task.DETECT, asker.family, classes=classes, shape=params.shape, prompts=asker.prompts
        )
        if given is None:
            questions = _questions(params, asker, prompt, truth)[: params.limit]
            answers, asked = respondent.answers(questions), len(questions)
        else:
            answers, asked = answered(given), len(given)
        who = respondent.who
    tiles: dict[str, list[TileAnswer]] = {}
    read: list[tuple[Record, Parsed]] = []
    for key, record in answers.items():
        parsed, seen, source = places_of(record, prompt, asker.family, classes, params.reading)
        read.append((record, parsed))
        picture, window = _place(key, source, truth)
        found = said_boxes(parsed, seen, source, asker.family.coordinates)
        tiles.setdefault(picture, []).append(TileAnswer(window, found))
    left = set(truth) - set(tiles) if params.limit is None else set()
    if left:
        context.warn(f"{len(left)} labelled pictures have no answer; their objects count as missed.")
    counts = count_places(asked + (len(left) if given is not None else 0), read)
    return Spoken({key: merge_tiles(parts) for key, parts in tiles.items()}, counts, who)


def _questions(
    params: SpokenDetectionParams, asker: Asker, prompt: Prompt, truth: Mapping[str, Boxes]
) -> list[Question]:
    if params.images is None:
        raise UsageError("A model needs to see pictures.", hint="Give their folder with --images.")
    pictures = find_pictures(params.images)
    wanted = {name: path for name, path in pictures.items() if not truth or name in truth}
    return [
        _question(name, path, tile, asker, prompt)
        for name, path in wanted.items()
        for tile in _tiles(read_size(path), params)
    ]


def _tiles(size: SizeWH, params: SpokenDetectionParams) -> list[Tile | None]:
    """Tiles of a picture; ``None`` is the whole of it."""
    if not params.tile_px:
        return [None]
    return [*tiles_of(size, params.tile_px, params.overlap_px)]


def _question(name: str, path: Path, tile: Tile | None, asker: Asker, prompt: Prompt) -> Question:
    if tile is None:
        return asker.question({"image": path.name}, name, prompt)
    x1, y1, x2, y2 = tile.window_px

    def open_pictures() -> tuple[Conversation, SizeWH]:
        shown = cut_out(_read(path), tile)
        return conversation_of(prompt, [shown], asker.budget), SizeWH(x2 - x1, y2 - y1)

    words = words_of(prompt, asker.budget, path.name, tile.window_px)
    return Question(f"{name}__{x2 - x1}__{x1}___{y1}", {"image": path.name}, words, open_pictures)


@lru_cache(maxsize=1)
def _read(path: Path) -> ByteImage:
    """The picture whose tiles are asked about one after the other."""
    return read_picture(path)[0]


def _given(path: Path) -> dict[str, Record]:
    """Given answers by the name of their picture or tile."""
    found: dict[str, Record] = {}
    for number, record in enumerate(read_records(path)):
        name = text_of(record, "key") or PurePosixPath(text_of(record, *PICTURE_FIELDS)).stem
        found[name or key_of(record, number)] = record
    return found


def _place(key: str, source: SizeWH, truth: Mapping[str, Boxes]) -> tuple[str, tuple[int, int, int, int]]:
    """The picture that an answer is about, and where in it. A tile with a truth of its own is a picture."""
    named = TILE_NAME.fullmatch(key)
    if key in truth or named is None:
        return key, (0, 0, source.width_px, source.height_px)
    x, y = int(named["x"]), int(named["y"])
    return named["picture"], (x, y, x + source.width_px, y + source.height_px)
