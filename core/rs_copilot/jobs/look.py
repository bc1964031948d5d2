"""Ask a vision-language model about a picture: one turn of a conversation that the caller keeps."""

from __future__ import annotations

import time
from typing import Any

from rs_copilot.errors import CancelledError
from rs_copilot.jobs.backends import backend_of
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.look_answer import Asking, answer, answer_closer
from rs_copilot.jobs.look_keep import LookKeepParams, crs_to_keep_in
from rs_copilot.jobs.look_keep import run as keep_objects
from rs_copilot.jobs.look_params import LookParams, LookResult, Object, Turn
from rs_copilot.jobs.look_pictures import check_source
from rs_copilot.jobs.look_talk import Talk, build_talk, names_of
from rs_copilot.jobs.shelf import shelf_of
from rs_copilot.vlm.backend import Backend, Decoding, Stop
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
    spec = backend_of(params.model, params.precision, params.adapter, params.family, params.key)
    with shelf_of(context) as shelf:
        is_known = shelf.holds(spec, context.device)
        if not is_known:
            # A wrong path is better said before minutes of loading.
            check_source(params.turns[-1].source)
        context.progress(0, params.max_tokens, "Reading the picture" if is_known else "Loading the model")
        with shelf.borrow(spec, context.device) as backend:
            talk = build_talk(params, backend.family, shelf.pictures)
            return _answer(params, talk, backend, context, started)


def _answer(
    params: LookParams, talk: Talk, backend: Backend, context: JobContext, started: float
) -> LookResult:
    if params.out is not None and talk.about is not None:
        # Better said before the work than after it.
        crs_to_keep_in(params.out, talk.about)

    def report(pieces: int, partial: dict[str, Any]) -> None:
        context.on_progress(Progress(pieces, params.max_tokens, "Answering", partial))

    decoding = Decoding(max_tokens=params.max_tokens, lookup=talk.has_places)
    asking = Asking(backend, decoding, report, context.cancelled.is_set)
    context.progress(0, params.max_tokens, "Looking")
    notes = _notes(params, talk)
    said = (answer_closer if _can_zoom(params, talk) else answer)(talk, asking)
    if said.stop is Stop.CANCELLED:
        raise CancelledError("The answer was stopped; what had been said is kept.")
    return LookResult(
        text=said.text,
        value=_value(said.text, talk.turn),
        stop=said.stop.value,
        objects=said.objects,
        zooms=said.zooms,
        is_empty=said.is_empty,
        skipped=said.skipped,
        notes=[*notes, *(note for note in said.notes if note not in notes)],
        usage=said.usage,
        model=backend.model,
        model_hash=backend.sha256,
        device=backend.device,
        sends_to=backend.sends_to,
        prompt=talk.prompt.version,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
        kept=_kept(params, talk, said.objects, backend, context),
    )


def _can_zoom(params: LookParams, talk: Talk) -> bool:
    return params.zoom and bool(talk.shown) and talk.fresh <= 1


def _notes(params: LookParams, talk: Talk) -> list[str]:
    """What the pictures or the wishes make necessary to know."""
    notes = []
    if params.zoom and not _can_zoom(params, talk):
        notes.append("Looking closer goes with one picture: the model answers at once.")
    if talk.has_places and talk.fresh > 1:
        notes.append("Boxes are taken to be in the last picture.")
    read = min((item.picture.share for item in talk.shown), default=1.0)
    if read < 1.0 and not _can_zoom(params, talk):
        notes.append(
            f"The raster has no overviews: {read:.0%} of what is shown was read, the rest filled in."
        )
    return notes


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
