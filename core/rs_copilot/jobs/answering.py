"""Putting many questions to a model and keeping each answer, or taking answers that were given before.

Answers stand in a file of JSON lines, each the record of the benchmark with what was said about it, so that a
run that was stopped or killed goes on where it stood. An answer counts only for the model, the words and the
way of answering that it was given with.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import StorageError, UsageError
from rs_copilot.evaluation.records import Record, answer_of
from rs_copilot.jobs.backends import BackendSpec, open_backend
from rs_copilot.jobs.context import JobContext
from rs_copilot.types import SizeWH
from rs_copilot.vector.json_values import finite
from rs_copilot.vlm.backend import Backend, Conversation, Decoding, Reply, Stop, Usage
from rs_copilot.vlm.families import FAMILIES, RSCOVLM, Family
from rs_copilot.vlm.zoom import Outcome

ANSWERS = "answers.jsonl"
REPORT = "report.json"


class AnswerParams(BaseModel):
    """Who answers what, and where everything goes.

    ``data`` are the files of the suite, ``images`` the folder that its pictures lie below. A ``model``
    answers, or a file of ``predictions`` holds answers; ``family`` says how those speak of places (RSCoVLM's
    way unless told), or a model on a server whose name does not tell it. ``limit`` takes only the first
    records. ``batch`` questions go to the model at once. ``prompts`` is a file of words to use instead of the
    usual ones; ``min_px`` and ``max_px`` limit how much of a picture a model sees.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    out: Path
    data: tuple[Path, ...] = ()
    images: Path | None = None
    model: str | None = None
    precision: str = "auto"
    adapter: str | None = None
    predictions: Path | None = None
    family: str | None = None
    max_tokens: int = Field(default=1024, ge=1, le=65536)
    batch: int = Field(default=1, ge=1, le=256)
    limit: int | None = Field(default=None, ge=1)
    prompts: Path | None = None
    min_px: int | None = Field(default=None, ge=1)
    max_px: int | None = Field(default=None, ge=1)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where pictures are looked for: the folder that was given, else where the files of the suite lie."""
        beside = dict.fromkeys(path if path.is_dir() else path.parent for path in self.data)
        return (self.images,) if self.images is not None else tuple(beside)


@dataclass(frozen=True)
class Question:
    """What a model is asked about one record.

    ``words`` is all that is said in text and all that shapes the pictures: with other words, an earlier
    answer does not count. ``open_pictures`` reads the pictures and gives the conversation, and the size of
    the picture that places in the answer refer to. ``look_closer``, where there is one, asks instead and lets
    the model look closer.
    """

    key: str
    record: Record
    words: str
    open_pictures: Callable[[], tuple[Conversation, SizeWH]]
    look_closer: Callable[[Backend, Decoding, Callable[[], bool]], Outcome] | None = None


@dataclass(frozen=True)
class Who:
    """Who answered; ``sha256`` is the hash of a model's weights, where they are on this machine."""

    name: str
    sha256: str | None = None


class Respondent(Protocol):
    """Whoever answers questions."""

    @property
    def family(self) -> Family:
        """How it speaks of places."""
        ...

    @property
    def who(self) -> Who:
        """What it is called in reports."""
        ...

    def answers(self, questions: Sequence[Question]) -> dict[str, Record]:
        """Records with answers by key; those without an answer are missing."""
        ...


@contextmanager
def open_respondent(
    params: AnswerParams, given: Mapping[str, Record] | None, context: JobContext
) -> Iterator[Respondent]:
    """The model, or the answers that were given.

    Args:
        params: which.
        given: records of predictions by key, where there are any.
        context: hears of progress, stops the work.

    Raises:
        UsageError: neither or both, or no such family.
        RsCopilotError: whatever loading the model raises.
    """
    if (params.model is None) == (given is None):
        raise UsageError("Expected either a model or a file of predictions.", hint="--model or --predictions")
    if given is not None:
        family = params.family or RSCOVLM.name
        if family not in FAMILIES:
            raise UsageError(f"No family is called {family!r}; there are {', '.join(FAMILIES)}.")
        yield Given(given, FAMILIES[family])
        return
    spec = BackendSpec(str(params.model), params.precision, params.adapter, params.family)
    context.progress(0, 0, f"Loading {spec.name}")
    backend = open_backend(spec, context.device)
    if backend.sends_to is not None:
        context.warn(f"Pictures and questions go to {backend.sends_to}.")
    try:
        decoding = Decoding(max_tokens=params.max_tokens, lookup=True)
        yield Asked(backend, spec, decoding, params.out / ANSWERS, params.batch, context)
    finally:
        backend.close()


def answered(records: Mapping[str, Record]) -> dict[str, Record]:
    """Those that have an answer, with it in the field ``output``."""
    found = {key: (record, answer_of(record)) for key, record in records.items()}
    return {key: {**record, "output": said} for key, (record, said) in found.items() if said is not None}


@dataclass
class Given:
    """Answers from a file."""

    records: Mapping[str, Record]
    family: Family
    who: Who = Who("given predictions")

    def answers(self, questions: Sequence[Question]) -> dict[str, Record]:
        """See `Respondent`. The record of the benchmark wins where both have a field."""
        said = answered(self.records)
        return {
            item.key: {**said[item.key], **item.record, "output": said[item.key]["output"]}
            for item in questions
            if item.key in said
        }


@dataclass
class Asked:
    """A model, and the file that keeps its answers."""

    backend: Backend
    spec: BackendSpec
    decoding: Decoding
    path: Path
    batch: int
    context: JobContext

    @property
    def family(self) -> Family:
        """How the model is spoken to."""
        return self.backend.family

    @property
    def who(self) -> Who:
        """The model."""
        return Who(self.backend.model, self.backend.sha256)

    def answers(self, questions: Sequence[Question]) -> dict[str, Record]:
        """See `Respondent`.

        Raises:
            CancelledError: stopped; answers so far are kept.
            StorageError: the file cannot be written.
            RsCopilotError: whatever the model raises.
        """
        stamps = {item.key: self._stamp(item) for item in questions}
        done = read_answers(self.path, stamps)
        left = [item for item in questions if item.key not in done]
        if len(left) < len(questions):
            self.context.progress(len(done), len(questions), f"{len(done)} answers are there already")
        with closing(AnswerFile(self.path)) as file:
            for group in _groups(left, self.batch):
                for item, record in self._ask(group, stamps):
                    file.add(record)
                    done[item.key] = record
                    self.context.progress(
                        len(done), len(questions), f"Asking {self.backend.model}", {"answers": str(self.path)}
                    )
        return {item.key: done[item.key] for item in questions}

    def _ask(
        self, group: Sequence[Question], stamps: Mapping[str, str]
    ) -> Iterator[tuple[Question, dict[str, Any]]]:
        self.context.check()
        stopped = self.context.cancelled.is_set
        for item in group:
            if item.look_closer is not None:
                outcome = item.look_closer(self.backend, self.decoding, stopped)
                if outcome.stop is Stop.CANCELLED:
                    self.context.check()
                yield item, self._outcome(item, outcome, stamps[item.key])
        group = [item for item in group if item.look_closer is None]
        shown = [item.open_pictures() for item in group]
        talks = [conversation for conversation, _ in shown]
        replies = self.backend.reply_all(talks, self.decoding, stopped)
        for item, (_, size), reply in zip(group, shown, replies, strict=True):
            if reply.stop is Stop.CANCELLED:
                self.context.check()
            yield item, self._record(item, size, reply, stamps[item.key])

    def _record(self, item: Question, size: SizeWH, reply: Reply, stamp: str) -> dict[str, Any]:
        seen = reply.seen[0] if reply.seen else size
        said = {"output": reply.text, "stop": reply.stop.value, "notes": list(reply.notes)}
        return self._signed(item, said, (size, seen), [reply.usage], stamp)

    def _outcome(self, item: Question, outcome: Outcome, stamp: str) -> dict[str, Any]:
        """As a record; ``zooms`` are the parts of the picture that the model looked at closer."""
        whole, *parts = outcome.looks
        x1, y1, x2, y2 = whole.picture.window_px
        said: dict[str, object] = {
            "output": outcome.text,
            "stop": outcome.stop.value,
            "notes": list(outcome.notes),
            "zooms": [list(look.picture.window_px) for look in parts],
        }
        return self._signed(item, said, (SizeWH(x2 - x1, y2 - y1), whole.picture.size), outcome.usage, stamp)

    def _signed(
        self,
        item: Question,
        said: Mapping[str, object],
        sizes: tuple[SizeWH, SizeWH],
        usage: Sequence[Usage],
        stamp: str,
    ) -> dict[str, Any]:
        original, seen = sizes
        return {
            **item.record,
            "key": item.key,
            **said,
            "original_width": original.width_px,
            "original_height": original.height_px,
            "resized_width": seen.width_px,
            "resized_height": seen.height_px,
            "seconds": sum(cost.total_s for cost in usage),
            "new_tokens": sum(cost.new_tokens for cost in usage),
            "model": self.backend.model,
            "model_hash": self.backend.sha256,
            "stamp": stamp,
        }

    def _stamp(self, item: Question) -> str:
        """What an answer depends on, apart from the pictures."""
        words = [
            self.backend.model,
            self.backend.sha256,
            self.spec.name,
            self.spec.precision,
            self.spec.adapter,
            self.backend.family.name,
            asdict(self.decoding),
            item.words,
        ]
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def _groups(questions: Iterable[Question], size: int) -> Iterator[list[Question]]:
    rest = iter(questions)
    while group := list(islice(rest, size)):
        yield group


def read_answers(path: Path, stamps: Mapping[str, str]) -> dict[str, Record]:
    """Answers of a run before that still count, by key: those that bear the right stamp.

    A line that was cut off when the run was killed is passed over.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return {}
    found: dict[str, Record] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and stamps.get(str(record.get("key"))) == record.get("stamp", ""):
            found[record["key"]] = record
    return found


class AnswerFile:
    """The file of answers, open to add to it. Each is there at once, should the process be killed."""

    def __init__(self, path: Path) -> None:
        """Open it, and end what a killed run left of its last line.

        Raises:
            StorageError: it cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+")
            self._file.seek(-min(1, self._file.tell()), io.SEEK_END)
            if self._file.read(1) not in {b"", b"\n"}:
                self._file.write(b"\n")
        except OSError as error:
            raise StorageError(f"cannot write the answers to {path}: {error}") from error

    def add(self, record: Record) -> None:
        """Add one answer.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            self._file.write(json.dumps(finite(record)).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise StorageError(f"cannot write the answers to {self.path}: {error}") from error

    def close(self) -> None:
        """Close it."""
        self._file.close()
