"""Ask a vision-language model about a picture: one turn of a conversation that the caller keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from rs_copilot.errors import CancelledError, UsageError
from rs_copilot.jobs.backends import HINT, BackendSpec
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.look_keep import LookKeepParams, crs_to_keep_in
from rs_copilot.jobs.look_keep import run as keep_objects
from rs_copilot.jobs.look_params import LookParams, LookResult, Object, Turn
from rs_copilot.jobs.look_pictures import check_source
from rs_copilot.jobs.look_stream import AnswerStream, place_objects
from rs_copilot.jobs.look_talk import Talk, build_talk, names_of
from rs_copilot.jobs.shelf import Shelf
from rs_copilot.types import SizeWH
from rs_copilot.vlm.backend import Backend, Decoding, Stop
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.parsing import Listener
from rs_copilot.vlm.prompts import LETTERS
from rs_copilot.vlm.short_answers import read_letter, read_scene
from rs_copilot.vlm.tasks import Task

__all__ = ["LookParams", "LookResult", "run"]


def run(params: LookParams, context: JobContext) -> LookResult:
    """Answer the last turn; words and objects are reported as they come.

    Raises:
        UsageError: no such model or task, or nothing to look at.
        BadInputError: a picture or the model cannot be read.
        MissingDependencyError: packages, weights, the server or the device are missing.
        OutOfMemoryError: the conversation does not fit, not even with smaller pictures.
        CancelledError: stopped; the last report holds what was said.
    """
    started = time.monotonic()
    if not params.model:
        raise UsageError("No model is chosen.", hint=HINT)
    key = None if params.key is None else params.key.get_secret_value()
    spec = BackendSpec(params.model, params.precision, params.adapter, params.family, key)
    with _shelf(context) as shelf:
        is_known = shelf.holds(spec, context.device)
        if not is_known:
            # A wrong path is better said before minutes of loading.
            check_source(params.turns[-1].source)
        context.progress(0, params.max_tokens, "Reading the picture" if is_known else "Loading the model")
        with shelf.borrow(spec, context.device) as backend:
            talk = build_talk(params, backend.family, shelf.pictures)
            return _answer(params, talk, backend, context, started)


@contextmanager
def _shelf(context: JobContext) -> Iterator[Shelf]:
    """The caller's shelf, or one for this question only."""
    if context.shelf is not None:
        yield context.shelf
        return
    shelf = Shelf()
    try:
        yield shelf
    finally:
        shelf.release()


def _answer(
    params: LookParams, talk: Talk, backend: Backend, context: JobContext, started: float
) -> LookResult:
    def report(pieces: int, partial_answer: dict[str, Any]) -> None:
        context.on_progress(Progress(pieces, params.max_tokens, "Answering", partial_answer))

    if params.out is not None and talk.about is not None:
        # Better said before the work than after it.
        crs_to_keep_in(params.out, talk.about)
    expected = talk.shown[-1].seen(backend.family) if talk.shown else None
    stream = _stream(talk, expected, backend.family, report)
    context.progress(0, params.max_tokens, "Looking")
    try:
        decoding = Decoding(max_tokens=params.max_tokens, lookup=talk.has_places)
        reply = backend.reply(talk.messages, decoding, stream.hear, context.cancelled.is_set)
    finally:
        stream.flush()
    if reply.stop is Stop.CANCELLED:
        raise CancelledError("The answer was stopped; what had been said is kept.")
    if talk.has_places and reply.seen[-1] != expected:
        # For want of memory the model saw less than was planned: its numbers mean other places.
        stream = _stream(talk, reply.seen[-1], backend.family, report)
        stream.hear(reply.text)
    parsed = stream.finish()
    stream.flush()
    return LookResult(
        text=reply.text,
        value=_value(reply.text, params.turns[-1]),
        stop=reply.stop.value,
        objects=stream.objects,
        zooms=stream.zooms,
        is_empty=parsed.is_empty,
        skipped=len(parsed.skipped),
        notes=list(reply.notes),
        usage=asdict(reply.usage),
        model=backend.model,
        model_hash=backend.sha256,
        device=backend.device,
        sends_to=backend.sends_to,
        prompt=talk.prompt.version,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
        kept=_kept(params, talk, stream.objects, backend, context),
    )


def _kept(
    params: LookParams, talk: Talk, objects: list[Object], backend: Backend, context: JobContext
) -> list[int]:
    """Rows of the scene that shall hold what lies on the map."""
    if params.out is None or talk.about is None or all(item.polygon is None for item in objects):
        return []
    keep = LookKeepParams(
        scene=params.out,
        source=talk.about,
        question=params.turns[-1].text,
        objects=tuple(objects),
        model=backend.model,
        model_hash=backend.sha256,
        layer=params.layer,
    )
    return keep_objects(keep, context).rows


def _value(text: str, turn: Turn) -> str | None:
    """Which of the choices or classes an answer means."""
    if turn.task is Task.CHOOSE:
        letters = LETTERS[: len(turn.choices)]
        letter = read_letter(text, letters)
        return None if letter is None else turn.choices[letters.index(letter)]
    return read_scene(text, names_of(turn)) if turn.task is Task.CLASSIFY else None


def _stream(
    talk: Talk, seen: SizeWH | None, family: Family, report: Callable[[int, dict[str, Any]], None]
) -> AnswerStream:
    """Hears an answer about the last picture, which the model sees in the given size."""
    if not talk.has_places or seen is None:
        return AnswerStream(None, lambda _: [], report)
    where = family.coordinates
    listener = Listener(talk.prompt.grammar, seen, coordinates=where, classes=talk.classes)
    place = partial(place_objects, shown=talk.shown[-1], seen=seen, coordinates=where)
    return AnswerStream(listener, place, report)
