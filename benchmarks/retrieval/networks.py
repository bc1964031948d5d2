"""Retrieval networks: the engine's own index and search."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks.retrieval.places import Place
from benchmarks.retrieval.queries import Condition, Query
from benchmarks.retrieval.ranking import RANKS
from rs_copilot.jobs import index
from rs_copilot.jobs.context import JobContext
from rs_copilot.localization.retrieve import Retriever, guesses
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.retrieval.gallery import open_gallery


def with_card(name: str, weights: Path, work: Path) -> Path:
    """The network itself where it has a card, else a copy with a card that says what it needs to run."""
    if weights.with_suffix(".json").is_file():
        return weights
    import onnx

    target = work / "networks" / f"{name}.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(weights, target)
    (picture,) = (item for item in onnx.load(weights).graph.input if item.name == "image")
    side = picture.type.tensor_type.shape.dim[1].dim_value or 96
    card = {"name": name, "sha256": hashlib.sha256(target.read_bytes()).hexdigest(), "input_px": side}
    target.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return target


class Network:
    """One network with its gallery of all places."""

    def __init__(self, name: str, weights: Path, places: list[Place], work: Path) -> None:
        self.name = name
        path = with_card(name, weights, work)
        embedder = open_embedder(path, "cpu")
        rasters = [str(place.raster) for place in places]
        subject = hashlib.sha256("\n".join([embedder.sha256, *rasters]).encode()).hexdigest()
        out = work / "galleries" / subject[:16]
        if not (out / "manifest.json").is_file():
            made = index.run(
                index.IndexParams(rasters=rasters, out=out, weights=path), JobContext(device="cpu")
            )
            print(f"{name}: {made.tiles} tiles, {made.tiles_per_core_second:.0f} a core-second", flush=True)
        self.retriever = Retriever(open_gallery(out), embedder)

    def rank(self, query: Query, condition: Condition) -> list[int]:
        """The best tiles of a query."""
        tried = guesses(
            query.shape(tilt_known=condition.tilt_known),
            self.retriever.gallery.manifest.sides_m,
            scale_known=condition.scale_known,
            heading_known=condition.heading_known,
        )
        if not condition.own_scale:
            tried = [replace(guess, sides_m=None) for guess in tried]
        return [hit.tile for hit in self.retriever.find(query.image, tried, RANKS[-1])]
