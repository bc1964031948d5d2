"""What makers of questions share: drafts, and places that are drawn until they are beyond doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import shapely

from rs_copilot.simulation.questions.exact import Exact
from rs_copilot.types import FloatArray

TRIES = 400
LETTERS = "ABCD"
# Names that are on no map of these worlds.
NOWHERE = ("Old Mill", "Castle Hill", "Harbour Office", "Observatory", "Sugar Factory", "Eastern Gate")


@dataclass(frozen=True)
class Draft:
    """A question before it is put into words.

    ``form`` says which wordings fit, ``words`` fill their gaps. An answer of ``None`` means that there is
    none, and ``reason`` says why.
    """

    form: str
    words: Mapping[str, str]
    kind: str
    answer: str | float | None
    marks: Mapping[str, shapely.Geometry] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    reason: str | None = None


# A question and its twin that cannot be answered, where there is one.
Pair: TypeAlias = "tuple[Draft, Draft | None]"
Maker: TypeAlias = Callable[[Exact, np.random.Generator], "Pair | None"]


def clock(time_s: float) -> str:
    """A moment as makers write it; wordings may turn it into another notation."""
    return f"{time_s:.1f} s"


def near_path(exact: Exact, rng: np.random.Generator, spread_m: float) -> FloatArray:
    """A random place around where the camera looked, on the map and off the bridge."""
    free = exact.map_area.difference(exact.bridge_area)
    for _ in range(TRIES):
        xy = exact.centers[rng.integers(len(exact.centers))] + rng.normal(0.0, spread_m, 2)
        if free.contains(shapely.Point(xy)):
            break
    return np.asarray(xy)


def outside(exact: Exact, rng: np.random.Generator, margin_m: float = 25.0) -> FloatArray | None:
    """A place in the world that no frame shows."""
    low, high = np.array(exact.map_area.bounds).reshape(2, 2)
    for _ in range(TRIES):
        xy = rng.uniform(low, high)
        if exact.seen_ground.distance(shapely.Point(xy)) > margin_m:
            return np.asarray(xy)
    return None


def open_ground(exact: Exact, xy: FloatArray, radius_m: float = 2.0) -> bool:
    """Whether a place lies on the ground and not on a roof or under a crown."""
    world = exact.scenario.world
    places = around(xy, radius_m)
    cells = np.floor(places / world.field.cell_m).astype(int)
    rows, columns = world.field.top.shape
    if (cells < 0).any() or (cells[:, 1] >= rows).any() or (cells[:, 0] >= columns).any():
        return False
    return bool((world.field.top[cells[:, 1], cells[:, 0]] - world.ground_z(places) < 0.5).all())


def seen_place(exact: Exact, rng: np.random.Generator, seconds: float = 1.0) -> FloatArray | None:
    """A place on open ground that is seen without doubt for some time."""
    for _ in range(TRIES):
        xy = near_path(exact, rng, 15.0)
        if not open_ground(exact, xy):
            continue
        if exact.sight(xy).seen(4.0).sum() * exact.step_s >= seconds:
            return xy
    return None


def around(xy: FloatArray, radius_m: float) -> FloatArray:
    """A place and its four neighbours (5, 2): what holds of all of them is not a matter of a metre."""
    return xy + radius_m * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])


def square(center: FloatArray, side_m: float) -> shapely.Polygon:
    """A square with north up."""
    return shapely.box(*(center - side_m / 2.0), *(center + side_m / 2.0))


def yes_no(rng: np.random.Generator, holds: bool) -> tuple[dict[str, str], str]:
    """Choices yes and no in random order, and the right letter."""
    texts = ["yes", "no"] if rng.random() < 0.5 else ["no", "yes"]
    choices = dict(zip("AB", texts, strict=True))
    return choices, next(letter for letter, text in choices.items() if text == ("yes" if holds else "no"))


def nowhere(rng: np.random.Generator) -> str:
    """A name that is on no map here."""
    return str(NOWHERE[rng.integers(len(NOWHERE))])


def named(name: str) -> dict[str, str]:
    """Words for the place of a question."""
    return {"x": name}
