"""Which layers of the project take part in answers, as what, and how the engine is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from .shapes import ShapeKind


class Role(str, Enum):
    """What a layer holds; the values are the engine's names."""

    NONE = ""
    ZONES = "zones"
    ROADS = "roads"
    OBSTACLES = "occluders"
    PLACES = "places"


@dataclass(frozen=True)
class Chosen:
    """A layer that takes part. ``source`` is empty where the engine cannot read it and gets a copy."""

    id: str
    title: str
    role: Role
    source: str


_HEIGHTS = frozenset({"height", "height_m", "hoehe", "building:levels", "levels", "floors", "building"})
_OBSTACLE_NAMES = re.compile(
    r"occluder|obstacle|building|house|roof|tree|gebäude|häuser|bäume", re.IGNORECASE
)


def guess_role(name: str, kind: ShapeKind, fields: Iterable[str]) -> Role:
    """What a layer probably holds, by its geometry, its name and its fields."""
    if kind is ShapeKind.LINE:
        return Role.ROADS
    if kind is ShapeKind.POINT:
        return Role.PLACES
    has_height = any(field.lower() in _HEIGHTS for field in fields)
    return Role.OBSTACLES if has_height or _OBSTACLE_NAMES.search(name) else Role.ZONES


def roles_for(kind: ShapeKind) -> tuple[Role, ...]:
    """What a layer of this geometry may be."""
    if kind is ShapeKind.LINE:
        return Role.NONE, Role.ROADS, Role.ZONES
    if kind is ShapeKind.POINT:
        return Role.NONE, Role.PLACES
    return Role.NONE, Role.ZONES, Role.OBSTACLES, Role.PLACES


def layer_params(layers: Iterable[Chosen], copies: Mapping[str, str]) -> dict[str, str]:
    """Files by the engine's names; the second one of a kind is called, for example, ``zones 2``."""
    found: dict[str, str] = {}
    counts: dict[Role, int] = {}
    for layer in layers:
        source = copies.get(layer.id, layer.source)
        if layer.role is not Role.NONE and source:
            counts[layer.role] = number = counts.get(layer.role, 0) + 1
            found[layer.role.value if number == 1 else f"{layer.role.value} {number}"] = source
    return found


def engine_source(source: str) -> str:
    """A source string of QGIS as the engine reads it; empty where it cannot, as with a filter."""
    path, _, rest = source.partition("|")
    options = [option for option in rest.split("|") if option]
    named = [option for option in options if option.startswith("layername=")]
    if not path or path.startswith(("/vsi", "http:", "https:")) or len(named) > 1:
        return ""
    # A kind of geometry is said beside the name where a file mixes several; the engine would read them all.
    return source if options == named else ""
