"""University-1652 thumbnails: 400 buildings, each as a rendered oblique view and as a satellite tile.

Nothing is known about heading or scale; the query is turned all around and the best turn counts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.retrieval.ranking import Outcome
from rs_copilot.evaluation.retrieval import RetrievalScore
from rs_copilot.retrieval.embedder import Branch, Embedder
from rs_copilot.retrieval.query import turns_deg
from rs_copilot.types import ByteImage

FOLDER = "13_university1652_pairs"
HEADINGS = ("as they are", "every heading")
Embed = Callable[[list[ByteImage], Branch], np.ndarray]


def read_pairs(data: Path) -> tuple[list[ByteImage], list[ByteImage]]:
    """Drone-like views and satellite tiles as RGBA, in the same order."""
    names = sorted(path.name for path in (data / FOLDER / "drone").glob("*.jpg"))
    sides = ([_read(data / FOLDER / side / name) for name in names] for side in ("drone", "satellite"))
    drone, satellite = sides
    return drone, satellite


def _read(path: Path) -> ByteImage:
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def turned(picture: ByteImage, turn_deg: float) -> ByteImage:
    """A picture turned about its middle; what was beyond it has no data."""
    if turn_deg == 0.0:
        return picture
    side = picture.shape[0]
    middle = ((side - 1) / 2, (side - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, turn_deg, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (side, side)), dtype=np.uint8)


def outcomes(name: str, drone: list[ByteImage], satellite: list[ByteImage], embed: Embed) -> list[Outcome]:
    """Both directions, as they are and with every heading tried."""
    found = []
    for heading, turns in zip(HEADINGS, ((0.0,), turns_deg(heading_known=False)), strict=True):
        for label, queries, gallery, branches in (
            ("drone to satellite", drone, satellite, (Branch.UAV, Branch.SATELLITE)),
            ("satellite to drone", satellite, drone, (Branch.SATELLITE, Branch.UAV)),
        ):
            tiles = embed(gallery, branches[1])
            scores = np.max(
                [embed([turned(q, t) for q in queries], branches[0]) @ tiles.T for t in turns], axis=0
            )
            own = np.take_along_axis(scores, np.arange(len(queries))[:, None], axis=1)
            ranks = (scores > own).sum(axis=1) + 1
            found.append(Outcome(name, heading, label, RetrievalScore(ranks), 0.0))
    return found


def embed_with(embedder: Embedder) -> Embed:
    """A network as a function of pictures."""

    def embed(pictures: list[ByteImage], branch: Branch) -> np.ndarray:
        side = embedder.input_px
        small = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in pictures]
        return embedder.embed(np.stack(small), branch)

    return embed
