"""Questions about a picture of a benchmark, as they are put to a model; places read out of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.pictures import FileWindows, find_picture, read_picture, read_size
from rs_copilot.evaluation.records import Record, answer_of, key_of, read_records, size_of, text_of
from rs_copilot.jobs.answering import AnswerParams, Question, Respondent
from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.answers import Parsed
from rs_copilot.vlm.backend import Backend, Conversation, Decoding
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import ImagePart, system, user
from rs_copilot.vlm.parsing import Reading, parse
from rs_copilot.vlm.prompts import PromptSet, read_prompts
from rs_copilot.vlm.resize import PixelBudget
from rs_copilot.vlm.tasks import Prompt
from rs_copilot.vlm.zoom import Manner, Outcome, look_closer

PICTURE_FIELDS = ("image_id", "image", "Image", "image_path", "img_path", "file_name", "filename")
FUZZY = 80.0


def conversation_of(
    prompt: Prompt, pictures: Sequence[ByteImage], budget: PixelBudget | None
) -> Conversation:
    """A prompt about pictures, as a conversation."""
    asked = user(*(ImagePart(picture, budget) for picture in pictures), prompt.text)
    return (asked,) if prompt.system is None else (system(prompt.system), asked)


def words_of(prompt: Prompt, budget: PixelBudget | None, *more: object) -> str:
    """All of a question but its pictures, for the stamp of its answer."""
    sizes = None if budget is None else (budget.min_px, budget.max_px)
    return json.dumps([prompt.version, prompt.system, prompt.text, sizes, *map(str, more)])


@dataclass(frozen=True)
class Asker:
    """What all questions of a suite have in common: where pictures lie, how many pixels a model may see."""

    folders: tuple[Path, ...]
    budget: PixelBudget | None
    family: Family
    prompts: PromptSet | None

    def question(self, record: Record, key: str, prompt: Prompt, zooms: int = 0, text: str = "") -> Question:
        """A question about the picture that a record names; with ``zooms`` the model may look closer so often
        for ``text``.
        """

        def open_pictures() -> tuple[Conversation, SizeWH]:
            path = find_picture(self.folders, picture_of(record))
            pixels, size = read_picture(path, self.seen_px)
            return conversation_of(prompt, [pixels], self.budget), size

        def look(backend: Backend, decoding: Decoding, is_cancelled: Callable[[], bool]) -> Outcome:
            path = find_picture(self.folders, picture_of(record))
            source = FileWindows(path, read_size(path))
            manner = Manner(
                self.budget or self.family.limits, decoding, max_zooms=zooms, is_cancelled=is_cancelled
            )
            return look_closer(backend, source, prompt, text, manner)

        words = words_of(prompt, self.budget, picture_of(record), zooms)
        return Question(key, record, words, open_pictures, look if zooms else None)

    @property
    def seen_px(self) -> int:
        """How many pixels of a picture the model sees at most."""
        limits = self.family.limits
        return (self.budget or limits).within(limits).max_px


def picture_of(record: Record) -> str:
    """The picture that a record names, by its path below the folder of images.

    Raises:
        BadInputError: it names none.
    """
    name = text_of(record, *PICTURE_FIELDS)
    folder = text_of(record, "image_path") if "image" in record else ""
    if not name:
        raise BadInputError(
            f"a record names no picture: it has {', '.join(map(str, list(record)[:12]))}",
            hint=f"Expected one of the fields {', '.join(PICTURE_FIELDS)}.",
        )
    # VHM's suites have the folder apart from the name.
    return name if name == folder or not folder else f"{folder}/{name}"


def open_asker(params: AnswerParams, respondent: Respondent, folders: Sequence[Path]) -> Asker:
    """For a suite that was asked for.

    Raises:
        BadInputError: the file of prompts cannot be used.
    """
    budget = None if params.max_px is None else PixelBudget(params.min_px or 1, params.max_px)
    prompts = None if params.prompts is None else read_prompts(params.prompts)
    return Asker(tuple(folders), budget, respondent.family, prompts)


def read_items(paths: Sequence[Path], limit: int | None) -> dict[str, Record]:
    """Records of the files of a suite by key; each bears ``dataset_name``, by its file unless it has one.

    Raises:
        BadInputError: a file cannot be used.
    """
    found: dict[str, Record] = {}
    for path in paths:
        for number, record in enumerate(read_records(path)):
            name = str(record.get("dataset_name") or path.stem)
            key = str(record.get("key") or f"{name}/{key_of(record, number)}")
            # Benchmarks number questions anew for each picture.
            found[f"{key}/{number}" if key in found else key] = {**record, "dataset_name": name}
    return dict(list(found.items())[:limit])


def given_answers(
    path: Path | None, items: dict[str, Record]
) -> tuple[dict[str, Record], dict[str, Record] | None]:
    """Records of a suite, and given answers to them; where only answers are given, they are the records.

    Answers belong to records with the same key, or where the names of the files differ, the same number.

    Raises:
        BadInputError: there are no records, the file cannot be used, or its answers belong to other records.
    """
    if path is None and not items:
        raise BadInputError("there is nothing to ask", hint="Give the records of a suite with --data.")
    if path is None:
        return items, None
    given = read_items([path], None)
    if not any(answer_of(record) is not None for record in given.values()):
        raise BadInputError(
            f"no record of {path} has an answer", hint="Expected a field output; see docs/evaluation.md."
        )
    if not items:
        return given, given
    if set(items) & set(given):
        return items, given
    short = {name.rpartition("/")[2]: name for name in items}
    if len(short) == len(items) and any(name.rpartition("/")[2] in short for name in given):
        return items, {
            short[name.rpartition("/")[2]]: record
            for name, record in given.items()
            if name.rpartition("/")[2] in short
        }
    raise BadInputError(
        f"the answers of {path} belong to none of the {len(items)} records",
        hint="Both have the same question_id, id or key.",
    )


def places_of(
    record: Record, prompt: Prompt, family: Family, classes: Sequence[str], reading: Reading
) -> tuple[Parsed, SizeWH, SizeWH]:
    """What an answer says about places, and the sizes of the picture as it was seen and as it is.

    Raises:
        BadInputError: the record lacks the sizes.
    """
    seen, source = size_of(record, "resized"), size_of(record, "original")
    if seen is None or source is None:
        raise BadInputError(
            "a record with an answer lacks the sizes of its picture",
            hint="Expected original_width, original_height, resized_width and resized_height.",
        )
    found = parse(
        str(record["output"]),
        prompt.grammar,
        seen,
        coordinates=family.coordinates,
        classes=classes,
        min_match=0.0 if reading is Reading.REPOSITORY else FUZZY,
        reading=reading,
    )
    return found, seen, source
