"""What the run that placed a clip was given: its map, its elevation raster, its index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rs_copilot.vector.postgis import is_database
from rs_copilot.vector.store import read_layer


def params_of_localize(scene: str, clip: str) -> Mapping[str, Any]:
    """Parameters of the last run of `localize` that placed a clip; empty where there was none.

    Raises:
        SceneError: the scene cannot be read.
    """
    runs = read_layer(scene, "runs", clip=clip)
    placed = runs[runs["command"] == "localize"]
    found = {} if placed.empty else json.loads(placed["parameters"].iloc[-1])
    return found if isinstance(found, dict) else {}


def text_of(params: Mapping[str, Any], name: str) -> str | None:
    """A parameter that is a text."""
    found = params.get(name)
    return found if isinstance(found, str) else None


def where_now(path: str, scene: str) -> str:
    """Where a file is now: a scene may have moved together with what belongs to it."""
    if is_database(scene):
        return path
    beside = Path(scene).parent / Path(path).name
    return str(beside) if not Path(path).exists() and beside.exists() else path
