"""Makers of questions about the camera behind a frame, after GeoX-Bench (arXiv 2511.13259), and their suite.

They are no part of the twelve tasks: they make a set of their own. Answers come from exact poses.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import shapely

from rs_copilot.simulation.flight import ground_hits
from rs_copilot.simulation.questions import drawing
from rs_copilot.simulation.questions.drawing import LETTERS, TRIES, Draft, Maker, Pair
from rs_copilot.simulation.questions.exact import Exact
from rs_copilot.simulation.questions.measure import SECTORS
from rs_copilot.types import FloatArray

# GeoX-Bench crops its maps so that the camera lies at one of nine places: so far along each side.
PLACEMENTS = (0.25, 0.5, 0.75)
ROWS, COLUMNS = ("top", "", "bottom"), ("left", "", "right")
PARTS = tuple(
    " ".join(word for word in (row, column) if word) or "center" for row in ROWS for column in COLUMNS
)
QUARTERS = ("north-west", "north-east", "south-west", "south-east")
HOURS = tuple(f"{hour} o'clock" for hour in range(1, 13))
CELLS = tuple(f"{column}{row}" for row in range(1, 5) for column in "ABCD")
# Frames have this much of the ground in common, or nothing, to be asked whether they show the same place.
MUCH, APART_M = 0.45, 15.0
LATER = "no frame was taken then"


def facing_deg(exact: Exact, index: int) -> float:
    """True azimuth on the ground of what is up in the picture, at its middle."""
    flight = exact.scenario.flight
    middle = flight.clip.size.center_px
    ends = np.stack([middle, middle - [0.0, 0.1 * flight.clip.size.height_px]])
    pose = flight.pose(float(exact.times_s[index]))
    start, end = ground_hits(exact.scenario.world, pose, flight.intrinsics, ends)[:, :2]
    return exact.geodesic(start, end)[1]


def height_m(exact: Exact, index: int) -> float:
    """Height of the camera above the ground straight below it."""
    camera = exact.cameras[index]
    return float(camera[2] - exact.scenario.world.ground_z(camera[None, :2])[0])


def _when(exact: Exact, index: int) -> str:
    return drawing.clock(float(exact.times_s[index]))


def _later(exact: Exact, rng: np.random.Generator) -> str:
    """A moment after the clip's end."""
    return drawing.clock(float(exact.times_s[-1] + rng.uniform(6.0, 30.0)))


def _lettered(
    rng: np.random.Generator, right: str, others: Sequence[str], count: int = 4
) -> tuple[dict[str, str], str]:
    """Choices in random order, and the letter of the right one."""
    wrong = rng.permutation([text for text in others if text != right])[: count - 1]
    texts = [str(text) for text in rng.permutation([right, *wrong])]
    choices = dict(zip(LETTERS, texts, strict=False))
    return choices, next(letter for letter, text in choices.items() if text == right)


def _frame(exact: Exact, rng: np.random.Generator) -> int:
    return int(rng.integers(len(exact.times_s)))


def heading(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which way the camera faces."""
    for _ in range(TRIES):
        index = _frame(exact, rng)
        azimuth = facing_deg(exact, index)
        number = round(azimuth / 45.0) % 8
        if abs((azimuth - 45.0 * number + 180.0) % 360.0 - 180.0) < 14.0:
            break
    else:
        return None
    choices, letter = _lettered(rng, SECTORS[number], SECTORS)
    draft = Draft("pose_heading", {"t": _when(exact, index)}, "choice", letter, {}, choices)
    words = {"t": _later(exact, rng)}
    return draft, Draft("pose_heading", words, "choice", None, {}, choices, reason=LATER)


def clock(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """In which direction of the clock a mark lies from the camera."""
    for _ in range(TRIES):
        index, xy = _frame(exact, rng), drawing.near_path(exact, rng, 60.0)
        metres, azimuth = exact.geodesic(exact.cameras[index, :2], xy)
        relative = (azimuth - facing_deg(exact, index)) % 360.0
        hour = round(relative / 30.0) % 12 or 12
        if metres > 40.0 and abs((relative - 30.0 * hour + 180.0) % 360.0 - 180.0) < 9.0:
            break
    else:
        return None
    choices, letter = _lettered(rng, f"{hour} o'clock", HOURS)
    words = {"t": _when(exact, index), "x": "mark A"}
    draft = Draft("pose_clock", words, "choice", letter, {"A": shapely.Point(xy)}, choices)
    return draft, _nowhere(draft, rng)


def _nowhere(draft: Draft, rng: np.random.Generator) -> Draft:
    """The same about a name that is on no map."""
    words = {**draft.words, "x": drawing.nowhere(rng)}
    return Draft(
        draft.form, words, draft.kind, None, {}, draft.choices, draft.unit, reason="the name is on no map"
    )


def standing(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """In which direction from a mark the camera is."""
    for _ in range(TRIES):
        index, xy = _frame(exact, rng), drawing.near_path(exact, rng, 70.0)
        metres, azimuth = exact.geodesic(xy, exact.cameras[index, :2])
        number = round(azimuth / 45.0) % 8
        if metres > 45.0 and abs((azimuth - 45.0 * number + 180.0) % 360.0 - 180.0) < 13.0:
            break
    else:
        return None
    choices, letter = _lettered(rng, SECTORS[number], SECTORS)
    words = {"t": _when(exact, index), "x": "mark A"}
    draft = Draft("pose_standing", words, "choice", letter, {"A": shapely.Point(xy)}, choices)
    return draft, _nowhere(draft, rng)


def inside(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Whether the camera is over a zone."""
    holds = rng.random() < 0.5
    for _ in range(TRIES):
        index, side = _frame(exact, rng), float(rng.uniform(40.0, 90.0))
        camera = exact.cameras[index, :2]
        center = camera + rng.uniform(-0.5, 0.5, 2) * side if holds else drawing.near_path(exact, rng, 90.0)
        zone = drawing.square(center, side)
        place = shapely.Point(camera)
        deep = zone.buffer(-8.0).contains(place) if holds else zone.distance(place) > 12.0
        if deep and exact.map_area.contains(zone):
            break
    else:
        return None
    choices, letter = drawing.yes_no(rng, holds)
    words = {"t": _when(exact, index), "x": "zone A"}
    draft = Draft("pose_inside", words, "choice", letter, {"A": zone}, choices)
    words = {"t": _later(exact, rng), "x": "zone A"}
    return draft, Draft("pose_inside", words, "choice", None, {"A": zone}, choices, reason=LATER)


def part(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """In which of nine parts, four quarters or sixteen cells of a map the camera is."""
    for _ in range(TRIES):
        index, side = _frame(exact, rng), float(rng.uniform(120.0, 200.0))
        camera = exact.cameras[index, :2]
        column, row = (int(k) for k in rng.integers(3, size=2))
        # The share of the way from the west, and from the north.
        share = np.array([PLACEMENTS[column], PLACEMENTS[row]]) + rng.uniform(-0.04, 0.04, 2)
        center = camera + side * np.array([0.5 - share[0], share[1] - 0.5])
        area = drawing.square(center, side)
        form = str(rng.choice(["pose_part", "pose_quarter", "pose_cell"]))
        right, others = _part_of(form, share)
        if right and exact.map_area.contains(area):
            break
    else:
        return None
    choices, letter = _lettered(rng, right, others)
    words = {"t": _when(exact, index), "x": "zone A"}
    draft = Draft(form, words, "choice", letter, {"A": area}, choices)
    away = drawing.square(camera + np.array([1.0, 0.0]) * (side / 2.0 + 40.0), side)
    return draft, Draft(form, words, "choice", None, {"A": away}, choices, reason="the camera is outside it")


def _part_of(form: str, share: FloatArray) -> tuple[str, Sequence[str]]:
    """The name of the part at shares of the way from the west and the north; none where that is doubtful."""
    count, names = {"pose_part": (3, PARTS), "pose_quarter": (2, QUARTERS), "pose_cell": (4, CELLS)}[form]
    if np.abs(share * count - np.round(share * count)).min() < 0.1 * count / 2.0:
        return "", names
    column, row = np.floor(share * count).astype(int)
    return names[int(row) * count + int(column)], names


def place(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which of four marked points a frame shows."""
    for _ in range(TRIES):
        index = _frame(exact, rng)
        ground = exact.footprints[index]
        true = exact.centers[index] + rng.normal(0.0, 8.0, 2)
        if ground.buffer(-8.0).contains(shapely.Point(true)):
            break
    else:
        return None
    away: list[FloatArray] = []
    for _ in range(TRIES):
        xy = drawing.near_path(exact, rng, 120.0)
        if ground.distance(shapely.Point(xy)) > 15.0 and all(
            np.hypot(*(xy - known)) > 15.0 for known in away
        ):
            away.append(xy)
        if len(away) == 7:
            break
    else:
        return None
    marks, choices, letter = _marked(rng, true, away[:3])
    words = {"t": _when(exact, index)}
    draft = Draft("pose_place", words, "choice", letter, marks, choices)
    none = {name: shapely.Point(xy) for name, xy in zip(LETTERS, away[3:], strict=True)}
    return draft, Draft("pose_place", words, "choice", None, none, choices, reason="it shows none of them")


def _marked(
    rng: np.random.Generator, true: FloatArray, others: Sequence[FloatArray]
) -> tuple[Mapping[str, shapely.Geometry], dict[str, str], str]:
    """Points under letters in random order, choices that name them, and the letter of the first."""
    places = [true, *others]
    order = rng.permutation(len(places))
    marks = {LETTERS[k]: shapely.Point(places[order[k]]) for k in range(len(places))}
    return marks, {name: f"mark {name}" for name in marks}, LETTERS[int(np.flatnonzero(order == 0)[0])]


def over(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which of four marks the camera is nearest to on the ground."""
    index = _frame(exact, rng)
    camera = exact.cameras[index, :2]
    true = camera + rng.normal(0.0, 5.0, 2)
    away: list[FloatArray] = []
    for _ in range(TRIES):
        xy = drawing.near_path(exact, rng, 80.0)
        if np.hypot(*(xy - camera)) > np.hypot(*(true - camera)) + 25.0:
            away.append(xy)
        if len(away) == 3:
            break
    else:
        return None
    marks, choices, letter = _marked(rng, true, away)
    draft = Draft("pose_over", {"t": _when(exact, index)}, "choice", letter, marks, choices)
    words = {"t": _later(exact, rng)}
    return draft, Draft("pose_over", words, "choice", None, marks, choices, reason=LATER)


def height(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """How high the camera is."""
    index = _frame(exact, rng)
    words = {"t": _when(exact, index)}
    draft = Draft("pose_height", words, "number", height_m(exact, index), unit="m")
    words = {"t": _later(exact, rng)}
    return draft, Draft("pose_height", words, "number", None, unit="m", reason=LATER)


def distance(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """How far a mark on open ground is from the camera, along the line of sight."""
    for _ in range(TRIES):
        index = _frame(exact, rng)
        xy = exact.centers[index] + rng.normal(0.0, 12.0, 2)
        if exact.footprints[index].buffer(-3.0).contains(shapely.Point(xy)) and drawing.open_ground(
            exact, xy
        ):
            break
    else:
        return None
    ground = float(exact.scenario.world.ground_z(xy[None])[0])
    along, _ = exact.geodesic(exact.cameras[index, :2], xy)
    metres = float(np.hypot(along, exact.cameras[index, 2] - ground))
    words = {"t": _when(exact, index), "x": "mark A"}
    draft = Draft("pose_range", words, "number", metres, {"A": shapely.Point(xy)}, unit="m")
    return draft, _nowhere(draft, rng)


def _three(exact: Exact, rng: np.random.Generator) -> tuple[list[int], FloatArray] | None:
    """Three frames, and a place whose distances from their middles differ clearly."""
    for _ in range(TRIES):
        frames = [int(k) for k in rng.choice(len(exact.times_s), size=3, replace=False)]
        xy = drawing.near_path(exact, rng, 40.0)
        gaps = np.sort(np.linalg.norm(exact.centers[frames] - xy, axis=1))
        if np.diff(gaps).min() > 15.0 and np.diff(np.sort(exact.times_s[frames])).min() > 1.0:
            return frames, xy
    return None


def _moments(exact: Exact, frames: Sequence[int]) -> dict[str, str]:
    return {key: _when(exact, index) for key, index in zip("tuv", frames, strict=False)}


def order(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Three frames by the distance of what they show from a mark."""
    found = _three(exact, rng)
    if found is None:
        return None
    frames, xy = found
    gaps = np.linalg.norm(exact.centers[frames] - xy, axis=1)
    names = [_when(exact, index) for index in frames]
    right = ", ".join(names[k] for k in np.argsort(gaps))
    choices, letter = _lettered(rng, right, [", ".join(item) for item in itertools.permutations(names)])
    words = {**_moments(exact, frames), "x": "mark A"}
    draft = Draft("pose_order", words, "choice", letter, {"A": shapely.Point(xy)}, choices)
    return draft, _nowhere(draft, rng)


def nearest(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Which of three frames is nearest to a mark."""
    found = _three(exact, rng)
    if found is None:
        return None
    frames, xy = found
    names = [_when(exact, index) for index in frames]
    gaps = np.linalg.norm(exact.centers[frames] - xy, axis=1)
    choices, letter = _lettered(rng, names[int(np.argmin(gaps))], names, 3)
    words = {**_moments(exact, frames), "x": "mark A"}
    draft = Draft("pose_nearest", words, "choice", letter, {"A": shapely.Point(xy)}, choices)
    return draft, _nowhere(draft, rng)


def same(exact: Exact, rng: np.random.Generator) -> Pair | None:
    """Whether two frames show the same place."""
    holds = rng.random() < 0.5
    for _ in range(TRIES):
        frames = [int(k) for k in rng.choice(len(exact.times_s), size=2, replace=False)]
        one, other = (exact.footprints[k] for k in frames)
        share = one.intersection(other).area / min(one.area, other.area)
        if (share > MUCH if holds else one.distance(other) > APART_M) and abs(
            exact.times_s[frames[0]] - exact.times_s[frames[1]]
        ) > 1.0:
            break
    else:
        return None
    choices, letter = drawing.yes_no(rng, holds)
    draft = Draft("pose_same", _moments(exact, frames), "choice", letter, {}, choices)
    words = {"t": _when(exact, frames[0]), "u": _later(exact, rng)}
    return draft, Draft("pose_same", words, "choice", None, {}, choices, reason=LATER)


POSE_MAKERS: Mapping[str, Maker] = {
    "pose_heading": heading, "pose_inside": inside, "pose_part": part, "pose_place": place,
    "pose_clock": clock, "pose_standing": standing, "pose_over": over, "pose_height": height,
    "pose_range": distance, "pose_order": order, "pose_nearest": nearest, "pose_same": same,
}  # fmt: skip
