"""Correct what a scene remembers: join tracks, call things by another class, take out what is none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.run_note import note_run
from rs_copilot.vector.build import Provenance, path_length_m
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.store import read_layer, read_scene_info, write_layers

METHOD = "corrected by hand"
# Fields that number things, by the word that names them in answers.
NUMBERS = {"track": "track_id", "object": "object_id"}


class CorrectParams(BaseModel):
    """What is wrong in which scene. Things are named as answers name them: ``track 12``, ``object 3``.

    ``merge`` are lists of tracks that are one, the first keeps its number; ``relabel`` gives classes;
    ``remove`` are things that are none; ``clear_answers`` empties the layer ``answers``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    clip: str | None = None
    merge: list[list[str]] = Field(default_factory=list)
    relabel: Mapping[str, str] = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)
    clear_answers: bool = False


class CorrectResult(BaseModel):
    """How many rows of each layer were changed or taken out."""

    scene: str
    clip: str
    merged: int
    relabelled: int
    removed: int
    seconds: float
    device: str
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        return (
            f"{self.merged} tracks merged, {self.relabelled} rows relabelled, {self.removed} rows taken out."
        )


def run(params: CorrectParams, context: JobContext) -> CorrectResult:
    """Change the rows, all or none, and note it in ``runs``.

    Raises:
        UsageError: nothing is to be corrected, or a thing that is named is not in the clip.
        SceneError: no scene, or no such clip.
        StorageError: the scene cannot be written.
    """
    started = time.monotonic()
    if not (params.merge or params.relabel or params.remove or params.clear_answers):
        raise UsageError("nothing is to be corrected", hint="Name tracks to merge, relabel or remove.")
    clip = _clip_of(params)
    tables = {name: read_layer(params.scene, name, clip=clip) for name in ("tracks", "detections")}
    merged = 0
    for keys in params.merge:
        tables = _merged(tables, [_number(key, "track", tables) for key in keys])
        merged += len(keys) - 1
    changed = [_relabel(tables, key, label) for key, label in params.relabel.items()]
    removed = [_remove(tables, key) for key in params.remove]
    if params.clear_answers:
        answers = read_layer(params.scene, "answers", clip=clip)
        removed.append(len(answers))
        tables["answers"] = answers.iloc[:0]
    write_layers(params.scene, tables, replace_clip=clip)
    seconds = time.monotonic() - started
    note_run(
        params.scene, "correct", params, Provenance(clip, METHOD), context, seconds=seconds, device="cpu"
    )
    return CorrectResult(
        scene=params.scene, clip=clip, merged=merged, relabelled=sum(changed), removed=sum(removed),
        seconds=seconds, device="cpu", warnings=list(context.warnings),
    )  # fmt: skip


def _clip_of(params: CorrectParams) -> str:
    clips = read_scene_info(params.scene).clips
    if params.clip is None and len(clips) == 1:
        return clips[0]
    if params.clip not in clips:
        found = ", ".join(clips) or "none"
        raise UsageError(f"expected a clip of the scene, found {params.clip!r}; there are: {found}")
    return params.clip


def _parts(key: str) -> tuple[str, int]:
    word, _, number = key.strip().lower().partition(" ")
    if word not in NUMBERS or not number.isdecimal():
        raise UsageError(f"expected a thing like 'track 12' or 'object 3', found {key[:60]!r}")
    return NUMBERS[word], int(number)


def _rows_of(table: gpd.GeoDataFrame, field: str, number: int) -> pd.Series:
    if field not in table:
        return pd.Series(data=False, index=table.index)
    return (table[field] == number).fillna(value=False)


def _number(key: str, word: str, tables: Mapping[str, gpd.GeoDataFrame]) -> int:
    """The number of a thing of a sort that is in the tables."""
    field, number = _parts(key)
    if field != NUMBERS[word]:
        raise UsageError(f"only {word}s can be merged, found {key!r}")
    if not any(_rows_of(table, field, number).any() for table in tables.values()):
        raise UsageError(f"the clip has no {key!r}")
    return number


def _merged(tables: Mapping[str, gpd.GeoDataFrame], numbers: Sequence[int]) -> dict[str, gpd.GeoDataFrame]:
    """The tables with several tracks as one, which has the number and the class of the first."""
    if len(set(numbers)) < 2:
        raise UsageError("at least two different tracks are needed to merge them")
    tracks = tables["tracks"]
    rows = pd.concat([tracks[_rows_of(tracks, "track_id", number)] for number in numbers])
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
    detections = tables["detections"].copy()
    detections.loc[detections["track_id"].isin(numbers), "track_id"] = numbers[0]
    both = pd.concat([kept, whole]) if len(kept) else whole
    return {"tracks": gpd.GeoDataFrame(both, crs=tracks.crs), "detections": detections}


def _relabel(tables: dict[str, gpd.GeoDataFrame], key: str, label: str) -> int:
    field, number = _parts(key)
    if not label.strip():
        raise UsageError(f"expected a class for {key!r}, found nothing")
    changed = 0
    for name in ("tracks", "detections"):
        rows = _rows_of(tables[name], field, number)
        tables[name].loc[rows, ["label", "method"]] = [label.strip(), METHOD]
        changed += int(rows.sum())
    if not changed:
        raise UsageError(f"the clip has no {key!r}")
    return changed


def _remove(tables: dict[str, gpd.GeoDataFrame], key: str) -> int:
    field, number = _parts(key)
    removed = 0
    for name in ("tracks", "detections"):
        rows = _rows_of(tables[name], field, number)
        tables[name] = tables[name][~rows]
        removed += int(rows.sum())
    if not removed:
        raise UsageError(f"the clip has no {key!r}")
    return removed
