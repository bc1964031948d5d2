"""Operations that ask a model what it sees, in a frame or on the map.

What it answers is no computation: it is as sure as such models are at their best, its notes name the model,
and its words never become a name. A thing that it finds is called by the words of the program.
"""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.eyes import Aim, BoxPx, Eyes, Shown, Spot, Spotted, one_line
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations import showing
from rs_copilot.reasoning.operations.select import one
from rs_copilot.reasoning.operations.sight import frame_at
from rs_copilot.reasoning.operations.table import Needs, Takes, operation
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import CannotTell, Finding, Sort, Things, Value, Verdict
from rs_copilot.reasoning.views import samples_of
from rs_copilot.vlm.short_answers import read_presence

# Of the questions of LinkS2Bench the best model answered so many (arXiv 2604.02020); of one that looks here
# nothing better is known.
SURE_OF_MODELS = 0.511
# A model takes seconds where others take milliseconds: a program has room for three looks.
LOOK_COST = 600
# What is meant is seen with as much around it, and at least this many metres of the map or pixels of a frame.
AROUND, MIN_MAP_M, MIN_FRAME_PX = 2.0, 40.0, 112.0
GIVE_EYES = "Choose a model in the Ask panel, or name one with --vlm; `rs-copilot models list` tells of them."


@operation(
    gives=Sort.TEXT,
    cost=LOOK_COST,
    needs=Needs.EYES,
    question=Sort.PHRASE,
    at=Takes(Sort.SECONDS, optional=True),
    of=Takes(Sort.THINGS, optional=True),
)
def look(
    memory: Memory,
    question: str,
    at: float | None = None,
    of: Things | None = None,
    eyes: Eyes | None = None,
) -> Finding:
    """What a model answers about the frame of a moment, or about the map where a thing lies.

    Raises:
        CannotTell: there is no model, or nothing that it could be shown.
    """
    said = _open(eyes).look(_aim(memory, at, of), question)
    text = one_line(said.text)
    if not text:
        raise CannotTell("the model that looked said nothing", evidence=(_shown(memory, said.shown),))
    return _finding(text, (_shown(memory, said.shown),), _notes(said.model, said.notes))


@operation(
    gives=Sort.VERDICT,
    cost=LOOK_COST,
    needs=Needs.EYES,
    question=Sort.PHRASE,
    at=Takes(Sort.SECONDS, optional=True),
    of=Takes(Sort.THINGS, optional=True),
)
def look_whether(
    memory: Memory,
    question: str,
    at: float | None = None,
    of: Things | None = None,
    eyes: Eyes | None = None,
) -> Finding:
    """What a model answers to a question that is to be answered by yes or no, about a frame or the map.

    Raises:
        CannotTell: there is no model, nothing that it could be shown, or it says neither yes nor no.
    """
    said = _open(eyes).look(_aim(memory, at, of), f"{question.rstrip('?. ')}? Answer yes or no.")
    holds = read_presence(said.text)
    if holds is None:
        raise CannotTell(
            f"the model that looked says neither yes nor no, but: {one_line(said.text)}",
            "Ask in other words.", (_shown(memory, said.shown),),
        )  # fmt: skip
    return _finding(Verdict(holds), (_shown(memory, said.shown),), _notes(said.model, said.notes))


@operation(
    gives=Sort.THINGS,
    cost=LOOK_COST,
    needs=Needs.EYES,
    phrase=Sort.PHRASE,
    at=Takes(Sort.SECONDS, optional=True),
    of=Takes(Sort.THINGS, optional=True),
)
def ground(
    memory: Memory,
    phrase: str,
    at: float | None = None,
    of: Things | None = None,
    eyes: Eyes | None = None,
) -> Finding:
    """The places of what a phrase describes, as a model sees them in the frame of a moment or on the map.

    Raises:
        CannotTell: there is no model, nothing that it could be shown, or its answer could not be read.
    """
    index = None if at is None else frame_at(memory, at)
    found = _open(eyes).ground(_aim(memory, at, of), phrase)
    shown = _shown(memory, found.shown)
    if not found.spots and not found.is_empty:
        raise CannotTell("what the model answered names no places", "Ask in other words.", (shown,))
    shapes = [_shape(memory, spot, index) for spot in found.spots]
    placed = [(spot, shape) for spot, shape in zip(found.spots, shapes, strict=True) if shape is not None]
    if found.spots and not placed:
        raise CannotTell("all that the model points at lies towards the horizon", None, (shown,))
    area = None if of is None or of[0].shape.area == 0.0 else of[0].shape
    items = [
        (_thing(memory, f"{phrase} {number}", spot, shape, index, found), spot)
        for number, (spot, shape) in enumerate(placed, 1)
        if area is None or area.intersects(shape.centroid)
    ]
    pieces = tuple(_pointed(memory, item, spot, found.shown) for item, spot in items[: showing.MAX_SHOWN])
    lost = len(found.spots) - len(placed)
    notes = _notes(found.model, found.notes) + (
        (f"{lost} more lie towards the horizon: they have no place.",) if lost else ()
    )
    return _finding(tuple(item for item, _ in items), (*pieces, shown), notes)


def _finding(value: Value, evidence: tuple[Evidence, ...], notes: tuple[str, ...]) -> Finding:
    return Finding(value, SURE_OF_MODELS, evidence, notes, is_measured=True)


def _open(eyes: Eyes | None) -> Eyes:
    if eyes is None:
        raise CannotTell("this takes a model that looks at the picture, and there is none", GIVE_EYES)
    return eyes


def _notes(model: str, notes: tuple[str, ...]) -> tuple[str, ...]:
    return (f"This is what the model {model} saw; it was not computed.", *map(one_line, notes))


def _aim(memory: Memory, at: float | None, of: Things | None) -> Aim:
    """Where to look: at a frame, at a thing in it, or at the map around a thing."""
    if at is None and of is None:
        raise CannotTell("it is not said where to look", "Name a moment of the clip, or an area of the map.")
    if at is None:
        return Aim(area_lonlat=memory.to_lonlat(_around(one(of or (), "place to look at"))))
    if of is None:
        index = memory.views.nearest(at)
        # Of a frame that is placed the very one, so that what is seen in it lies where it is.
        return Aim(at if index is None else float(memory.views.times_s[index]))
    return _in_frame(memory, frame_at(memory, at), one(of, "thing to look at"))


def _around(item: Thing) -> BaseGeometry:
    """The square of the map that shows a thing."""
    west, south, east, north = item.shape.bounds
    side = max(east - west, north - south)
    # An area is meant as it is; what is small has to be seen among other things.
    margin = 0.0 if item.shape.area > 0 and side >= MIN_MAP_M else max(MIN_MAP_M - side, 0.0) / 2
    return shapely.box(west - margin, south - margin, east + margin, north + margin)


def _in_frame(memory: Memory, index: int, item: Thing) -> Aim:
    """The part of a frame that shows a thing.

    Raises:
        CannotTell: it does not lie in the picture.
    """
    views = memory.views
    time_s = float(views.times_s[index])
    place = item.place_at(time_s) if item.path is not None else None
    points = samples_of(item.shape) if place is None else place[None]
    px, inside = views.pixels(points)
    kept = px[index][inside[index] > 0]
    if not len(kept) or (item.path is not None and place is None):
        raise CannotTell(
            f"{showing.describe(item)} does not lie in the picture at {time_s:.1f} s", None,
            (showing.thing(item),),
        )  # fmt: skip
    middle, side = (kept.min(axis=0) + kept.max(axis=0)) / 2, float(np.ptp(kept, axis=0).max())
    half = max(AROUND * side, MIN_FRAME_PX) / 2
    x1, y1 = np.clip(middle - half, 0, views.sizes[index])
    x2, y2 = np.clip(middle + half, 0, views.sizes[index])
    return Aim(time_s, (float(x1), float(y1), float(x2), float(y2)))


def _shape(memory: Memory, spot: Spot, index: int | None) -> BaseGeometry | None:
    """What a model points at on the ground; ``None`` towards the horizon."""
    if index is None:
        return None if spot.shape_lonlat is None else memory.to_metric(spot.shape_lonlat)
    points = memory.views.on_ground(index, spot.quad_px)
    return shapely.Polygon(points).convex_hull if np.isfinite(points).all() else None


def _thing(
    memory: Memory, name: str, spot: Spot, shape: BaseGeometry, index: int | None, found: Spotted
) -> Thing:
    """What was pointed at, by the words that it was asked for with: the model's own are not trusted."""
    error_m = 0.0 if index is None else float(memory.views.error_m[index])
    return Thing(
        f"seen {name}", Kind.GROUNDING, f"{name} (seen by a model)", name.rpartition(" ")[0], shape, error_m,
        time_s=found.shown.time_s, clip=memory.views.clip if index is not None else None,
        properties={"model": found.model, "said": one_line(spot.said)},
    )  # fmt: skip


def _pointed(memory: Memory, item: Thing, spot: Spot, shown: Shown) -> Evidence:
    return _evidence(memory, item.name, shown, spot.box_px, item.shape)


def _shown(memory: Memory, shown: Shown) -> Evidence:
    """The picture that the model saw."""
    if shown.time_s is None:
        shape = None if shown.shape_lonlat is None else memory.to_metric(shown.shape_lonlat)
        return _evidence(memory, "the part of the map that the model was shown", shown, shown.box_px, shape)
    index = memory.views.nearest(shown.time_s)
    shape = None if index is None else memory.views.footprint(index)
    says = f"the picture at {shown.time_s:.1f} s that the model was shown"
    return _evidence(memory, says, shown, shown.box_px, shape)


def _evidence(memory: Memory, says: str, shown: Shown, box_px: BoxPx, shape: BaseGeometry | None) -> Evidence:
    """Something in a picture. Pixels of the map are not kept: its shape says the same."""
    if shown.time_s is None:
        return Evidence(says, shape=shape)
    return Evidence(
        says, clip=memory.views.clip, frame=shown.frame, time_s=shown.time_s, box_px=box_px, shape=shape
    )
