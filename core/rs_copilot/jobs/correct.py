"""Correct what a scene remembers: join tracks, call things by another class, take out what is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal

import geopandas as gpd
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.correct_rows import LAYERS, METHOD, Change, changed, undone
from rs_copilot.jobs.run_note import note_run
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.store import read_layer, read_scene_info, remove_rows, write_layers

Clearable = Literal["tracks", "detections", "segments", "groundings", "looks", "answers", "corrections"]


class CorrectParams(BaseModel):
    """What is wrong in which scene. Things are named as answers name them: ``track 12``, ``object 3``.

    ``merge`` are lists of things that are one, the first keeps its number; ``relabel`` gives classes;
    ``remove`` are things that are none. ``undo`` are numbers of the layer ``corrections``; they are taken
    back first, the latest first. ``clear`` are layers to be emptied, of the clip or, where none is named, of
    all of the scene; ``clear_answers`` is the same for the layer ``answers``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    clip: str | None = None
    merge: list[list[str]] = Field(default_factory=list)
    relabel: Mapping[str, str] = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)
    undo: list[int] = Field(default_factory=list)
    clear: list[Clearable] = Field(default_factory=list)
    clear_answers: bool = False

    @property
    def changes(self) -> list[Change]:
        """The corrections, in the order in which they are made."""
        merges = [Change("merge", tuple(keys)) for keys in self.merge]
        labels = [Change("relabel", (key,), label.strip()) for key, label in self.relabel.items()]
        return [*merges, *labels, *(Change("remove", (key,)) for key in self.remove)]

    @property
    def cleared(self) -> list[Clearable]:
        """The layers to be emptied. Corrections of things that are gone are gone with them."""
        wanted = [*self.clear, *(["answers"] if self.clear_answers else [])]
        if {"tracks", "detections"} & set(wanted):
            wanted.append("corrections")
        return list(dict.fromkeys(wanted))  # type: ignore[arg-type]


class CorrectResult(BaseModel):
    """How many rows of each layer were changed or taken out; ``numbers`` are those of the corrections."""

    scene: str
    clip: str | None
    merged: int
    relabelled: int
    removed: int
    undone: int
    cleared: int
    numbers: list[int]
    seconds: float
    device: str
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        said = {
            "tracks merged": self.merged,
            "rows relabelled": self.relabelled,
            "rows taken out": self.removed,
            "corrections undone": self.undone,
            "rows cleared": self.cleared,
        }
        text = ", ".join(f"{count} {words}" for words, count in said.items() if count) or "nothing to change"
        numbers = ", ".join(map(str, self.numbers))
        return f"{text}." + (f" To undo: --undo {numbers}" if self.numbers else "")


def run(params: CorrectParams, context: JobContext) -> CorrectResult:
    """Change the rows, all or none, and note it in ``corrections`` and ``runs``.

    Raises:
        UsageError: nothing is to be corrected, a thing that is named is not in the clip, or an undo is not
            possible.
        SceneError: no scene, or no such clip.
        StorageError: the scene cannot be written.
    """
    started = time.monotonic()
    if not (params.changes or params.undo or params.cleared):
        raise UsageError("nothing is to be corrected", hint="Name tracks to merge, relabel or remove.")
    touches_rows = bool(params.changes or params.undo)
    clip = _clip_of(params) if touches_rows or params.clip is not None else None
    counts = {"merge": 0, "relabel": 0, "remove": 0}
    numbers = _correct(params, clip, counts) if touches_rows and clip is not None else []
    cleared = sum(_clear(params.scene, name, clip) for name in params.cleared)
    seconds = time.monotonic() - started
    note_run(
        params.scene, "correct", params, Provenance(clip, METHOD), context, seconds=seconds, device="cpu"
    )
    return CorrectResult(
        scene=params.scene, clip=clip, merged=counts["merge"], relabelled=counts["relabel"],
        removed=counts["remove"], undone=len(set(params.undo)), cleared=cleared, numbers=numbers,
        seconds=seconds, device="cpu", warnings=list(context.warnings),
    )  # fmt: skip


def _correct(params: CorrectParams, clip: str, counts: dict[str, int]) -> list[int]:
    """Undo and change in one transaction; fills ``counts`` and gives the numbers of the corrections."""
    tables = {name: read_layer(params.scene, name, clip=clip) for name in (*LAYERS, "corrections")}
    last = int(tables["corrections"]["number"].max()) if len(tables["corrections"]) else 0
    for number in sorted(set(params.undo), reverse=True):
        tables = {**tables, **undone(tables, number)}
    notes = []
    for number, change in enumerate(params.changes, start=last + 1):
        result = changed(tables, change)
        tables = dict(result.tables)
        counts[change.kind] += result.rows
        notes.append(result.note(number, change))
    crs = read_scene_info(params.scene).crs
    fresh = build_table(
        schema.CORRECTIONS, notes, [None] * len(notes), Grid(crs, crs), Provenance(clip, METHOD)
    )
    tables["corrections"] = _both(tables["corrections"], fresh)
    write_layers(params.scene, tables, replace_clip=clip)
    return [int(note["number"]) for note in notes]


def _both(old: gpd.GeoDataFrame, fresh: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    full = [table for table in (old, fresh) if len(table)]
    return full[0] if len(full) == 1 else gpd.GeoDataFrame(pd.concat(full)) if full else old


def _clear(scene: str, layer: str, clip: str | None) -> int:
    return remove_rows(scene, layer, read_layer(scene, layer, clip=clip).index.tolist())


def _clip_of(params: CorrectParams) -> str:
    clips = read_scene_info(params.scene).clips
    if params.clip is None and len(clips) == 1:
        return clips[0]
    if params.clip not in clips:
        found = ", ".join(clips) or "none"
        raise UsageError(f"expected a clip of the scene, found {params.clip!r}; there are: {found}")
    return params.clip
