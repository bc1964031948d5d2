"""How sure the retriever has to be before it is told where a frame lies, over rendered development worlds.

``python -m benchmarks.priors OUT.json FOLDER WORLD [WORLD ...]``: a world is a folder of `simulate`; its map
is indexed into FOLDER, frames of its clip are looked up with the attitude and the height that telemetry gives
and without any, and the margins are fitted. OUT is written for `rs_copilot.reasoning.prior`. For each world
it is also said how the margins would do that the other worlds give.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely

from benchmarks.answer_confidence import monotone
from rs_copilot.geo.crs import WGS84
from rs_copilot.jobs import index
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.priors import PriorMaker, open_priors

EVERY_S = 0.5
KNOTS = (0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 1.0)
# What is told shall be right three times out of four.
WANTED = 0.75


@dataclass(frozen=True)
class Look:
    """One frame: its margin, and whether its middle lies on the best tile and on one of the three."""

    world: str
    told: bool
    margin: float
    is_right: bool
    is_among: bool
    seconds: float


def looks_of(maker: PriorMaker, world: Path, *, told: bool) -> list[Look]:
    """The frames of a clip, every so many seconds."""
    frames = pyogrio.read_dataframe(world / "truth.gpkg", layer="frames").to_crs(WGS84)
    found = []
    for time_s in np.arange(0.0, float(frames["time_s"].max()), EVERY_S):
        truth = frames.iloc[int((frames["time_s"] - time_s).abs().argmin())]
        middle = shapely.Point(truth["lon"], truth["lat"])
        started = time.monotonic()
        prior = maker.at(float(time_s))
        seconds = time.monotonic() - started
        if prior is None or not prior.tiles:
            continue
        on = [bool(tile.shape_lonlat.covers(middle)) for tile in prior.tiles]
        found.append(Look(world.name, told, prior.margin, on[0], any(on), seconds))
    return found


def fitted(looks: list[Look]) -> dict[str, object]:
    """The share of frames on their best tile by margin, rising, and the least margin that is told."""
    margins = np.array([look.margin for look in looks])
    right = np.array([look.is_right for look in looks])
    count = len(KNOTS) - 1
    bins = np.clip(np.searchsorted(KNOTS, margins, side="right") - 1, 0, count - 1)
    frames = np.bincount(bins, minlength=count)
    # One right and one wrong frame are added to every bin, so that few frames make no certainty.
    rates = (np.bincount(bins, weights=right.astype(np.float64), minlength=count) + 1.0) / (frames + 2.0)
    shares = monotone(rates, frames + 2.0)
    sure = [low for low, share in zip(KNOTS, shares, strict=False) if share >= WANTED]
    return {
        "about": "margin of the best tile and share of frames on it; made by benchmarks/priors.py",
        # A bin stands for its middle; the last is open.
        "margin": [round((low + high) / 2, 3) for low, high in itertools.pairwise(KNOTS[:-1])] + [KNOTS[-2]],
        "right": [round(float(share), 3) for share in shares],
        "frames": frames.tolist(),
        "least": min(sure, default=KNOTS[-1]),
    }


def said(looks: list[Look], least: float, name: str) -> str:
    """How a set of frames does with a least margin."""
    told = [look for look in looks if look.margin >= least]
    right, among = (sum(getattr(look, key) for look in looks) for key in ("is_right", "is_among"))
    sure = sum(look.is_right for look in told)
    return (
        f"{name:28} best tile right {right}/{len(looks)}, among three {among}/{len(looks)}; "
        f"told {len(told)}, right {sure}/{len(told)} (least margin {least:g}), "
        f"median {np.median([look.seconds for look in looks]):.2f} s a frame"
    )


def main(out: str, folder: str, *worlds: str) -> None:
    """Look up, fit, report, and write."""
    looks: list[Look] = []
    context = JobContext(device="cpu")
    for world in map(Path, worlds):
        gallery = Path(folder) / world.name
        if not gallery.exists():
            index.run(index.IndexParams(rasters=[str(world / "satellite.tif")], out=gallery), context)
        for told in (True, False):
            with open_priors(gallery, world / "clip.mp4", None, context, uses_telemetry=told) as maker:
                looks += looks_of(maker, world, told=told)
    document = fitted(looks)
    Path(out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document))
    print(said(looks, float(str(document["least"])), "all"))
    for told in (True, False):
        some = [look for look in looks if look.told is told]
        print(said(some, float(str(document["least"])), f"telemetry {'attitude' if told else 'none'}"))
    for world in dict.fromkeys(look.world for look in looks):
        others = fitted([look for look in looks if look.world != world])
        own = [look for look in looks if look.world == world]
        print(said(own, float(str(others["least"])), f"{world}, fitted without it"))


if __name__ == "__main__":
    main(*sys.argv[1:])
