"""What corrections do to the rows of a clip, and how they are taken back. Pure: tables in, tables out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from rs_copilot.errors import UsageError
from rs_copilot.vector.build import path_length_m
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.json_values import to_json
from rs_copilot.vector.row_json import rows_from_json, rows_to_json

METHOD = "corrected by hand"
# Fields that number things, by the word that names them in answers.
NUMBERS = {"track": "track_id", "object": "object_id"}
LAYERS = ("tracks", "detections")
Tables = Mapping[str, gpd.GeoDataFrame]


@dataclass(frozen=True)
class Change:
    """A correction: ``merge``, ``relabel`` (to ``label``) or ``remove``, of things like ``track 12``."""

    kind: str
    things: tuple[str, ...]
    label: str | None = None


@dataclass(frozen=True)
class Changed:
    """What came of it: the tables, how many rows are others now, and how the rows were before."""

    tables: Tables
    rows: int
    before: Mapping[str, Any]

    def note(self, number: int, change: Change) -> dict[str, Any]:
        """A row of the layer ``corrections``."""
        return {
            "number": number,
            "kind": change.kind,
            "things": to_json(change.things),
            "label": change.label,
            "changed": self.rows,
            "before": to_json(self.before),
        }


def changed(tables: Tables, change: Change) -> Changed:
    """The tables after a correction.

    Raises:
        UsageError: a thing is not in the clip, or the correction makes no sense.
    """
    keys = [parts(key) for key in change.things]
    known = {name: [of_thing(tables[name], *key) for key in keys] for name in LAYERS}
    for place, thing in enumerate(change.things):
        if not any(rows[place].any() for rows in known.values()):
            raise UsageError(f"the clip has no {thing!r}")
    touched = {name: pd.concat(rows, axis=1).any(axis=1) for name, rows in known.items()}
    before = {name: rows_to_json(tables[name][touched[name]]) for name in LAYERS}
    made = {"merge": _merged, "relabel": _relabelled, "remove": _removed}[change.kind]
    return Changed({**tables, **made(tables, change, touched)}, _count(change, touched), before)


def _count(change: Change, touched: Mapping[str, pd.Series]) -> int:
    if change.kind == "merge":
        return len(set(change.things)) - 1
    return sum(int(rows.sum()) for rows in touched.values())


def undone(tables: Tables, number: int) -> dict[str, gpd.GeoDataFrame]:
    """The tables as they were before a correction, which is taken out of ``corrections``.

    Raises:
        UsageError: there is none of that number, another one builds on it, or the things were made anew.
    """
    book = tables["corrections"]
    found = book[book["number"] == number]
    if not len(found):
        known = ", ".join(map(str, book["number"])) or "none"
        raise UsageError(f"expected the number of a correction, found {number}; there are: {known}")
    row = found.iloc[0]
    things = json.loads(row["things"])
    for later in book[book["number"] > number].itertuples():
        if set(things) & set(json.loads(later.things)):
            raise UsageError(f"correction {later.number} builds on correction {number}: undo it first")
    touched = {name: _any_of(tables[name], things) for name in LAYERS}
    if not _is_as_left(row["kind"], {name: tables[name][touched[name]] for name in LAYERS}):
        raise UsageError(
            f"{', '.join(things)} were made anew since correction {number}: there is nothing to undo",
            hint="Clear the list of corrections.",
        )
    before = json.loads(row["before"])
    restored = {name: _joined(tables[name][~touched[name]], before.get(name, [])) for name in LAYERS}
    return {**restored, "corrections": book[book["number"] != number]}


def _is_as_left(kind: str, rows: Tables) -> bool:
    """Whether the rows of the things are still what the correction made of them."""
    if kind == "remove":
        return not any(len(table) for table in rows.values())
    tracks = rows["tracks"]
    marked = tracks if len(tracks) else rows["detections"]
    return len(marked) > 0 and bool((marked["method"] == METHOD).all())


def _joined(table: gpd.GeoDataFrame, rows: Sequence[Mapping[str, Any]]) -> gpd.GeoDataFrame:
    if not rows:
        return table
    restored = rows_from_json(rows, table)
    if not len(table):
        return restored
    return gpd.GeoDataFrame(pd.concat([table, restored]), crs=table.crs)


def parts(key: str) -> tuple[str, int]:
    """Field and number of a thing like ``track 12``.

    Raises:
        UsageError: it is none.
    """
    word, _, number = key.strip().lower().partition(" ")
    if word not in NUMBERS or not number.isdecimal():
        raise UsageError(f"expected a thing like 'track 12' or 'object 3', found {key[:60]!r}")
    return NUMBERS[word], int(number)


def of_thing(table: gpd.GeoDataFrame, field: str, number: int) -> pd.Series:
    """Which rows are a thing's."""
    if field not in table:
        return pd.Series(data=False, index=table.index, dtype=bool)
    return (table[field] == number).fillna(value=False).astype(bool)


def _any_of(table: gpd.GeoDataFrame, things: Sequence[str]) -> pd.Series:
    rows = pd.Series(data=False, index=table.index, dtype=bool)
    for thing in things:
        rows |= of_thing(table, *parts(thing))
    return rows


def _relabelled(
    tables: Tables, change: Change, touched: Mapping[str, pd.Series]
) -> dict[str, gpd.GeoDataFrame]:
    if not (change.label or "").strip():
        raise UsageError(f"expected a class for {', '.join(change.things)}, found nothing")
    made = {name: tables[name].copy() for name in LAYERS}
    for name, table in made.items():
        table.loc[touched[name], ["label", "method"]] = [change.label, METHOD]
    return made


def _removed(tables: Tables, change: Change, touched: Mapping[str, pd.Series]) -> dict[str, gpd.GeoDataFrame]:  # noqa: ARG001 - as the others
    return {name: tables[name][~touched[name]] for name in LAYERS}


def _merged(tables: Tables, change: Change, touched: Mapping[str, pd.Series]) -> dict[str, gpd.GeoDataFrame]:
    """Several things as one, which has the number and the class of the first."""
    fields = {parts(thing)[0] for thing in change.things}
    numbers = [parts(thing)[1] for thing in change.things]
    if len(fields) > 1:
        raise UsageError(f"only things of one sort can be merged, found {', '.join(change.things)}")
    if len(set(numbers)) < 2:
        raise UsageError("at least two different things are needed to merge them")
    field = fields.pop()
    detections = tables["detections"].copy()
    detections.loc[touched["detections"], field] = numbers[0]
    if field == NUMBERS["object"]:
        first = tables["detections"][of_thing(tables["detections"], field, numbers[0])]
        detections.loc[touched["detections"], ["label", "method"]] = [first["label"].iloc[0], METHOD]
        return {"detections": detections}
    return {"tracks": _one_track(tables["tracks"], numbers), "detections": detections}


def _one_track(tracks: gpd.GeoDataFrame, numbers: Sequence[int]) -> gpd.GeoDataFrame:
    rows = pd.concat([tracks[of_thing(tracks, "track_id", number)] for number in numbers])
    points = np.concatenate([shapely.get_coordinates(shape, include_m=True) for shape in rows.geometry])
    points = points[np.argsort(points[:, 2], kind="stable")]
    points = points[np.unique(points[:, 2], return_index=True)[1]]
    start_s, end_s = float(points[0, 2]), float(points[-1, 2])
    length_m = path_length_m(points[:, :2], tracks.crs)
    whole = rows.iloc[[0]].copy()
    whole["start_s"], whole["end_s"], whole["length_m"] = start_s, end_s, length_m
    whole["mean_speed_mps"] = length_m / max(end_s - start_s, 1e-6)
    whole["max_speed_mps"] = rows["max_speed_mps"].max()
    whole["method"] = METHOD
    whole.geometry = [line_m(points[:, :2], points[:, 2])]
    kept = tracks[~tracks["track_id"].isin(numbers)]
    both = pd.concat([kept, whole]) if len(kept) else whole
    return gpd.GeoDataFrame(both, crs=tracks.crs)
