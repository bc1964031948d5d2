"""Detection in the frames of a placed clip: laid on the ground, and followed from frame to frame."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from rs_copilot.detection.found import Detector, Found
from rs_copilot.detection.sweep import objects, work_of
from rs_copilot.errors import CancelledError, SceneError
from rs_copilot.geo import homography as hg
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detectors import DetectorSpec, lent_detector
from rs_copilot.jobs.track_terrain import read_terrain
from rs_copilot.tiles.plan import SAME_SCALE, Tile, TilePlan, plan_tiles
from rs_copilot.tiles.sweep import Work
from rs_copilot.tracking.detected import Followed, Sighting, follow_detected, same_places
from rs_copilot.tracking.relief import Sight, Terrain, sights
from rs_copilot.tracking.tables import tracks_table
from rs_copilot.tracking.tracks import MAX_RELATIVE_DISTANCE
from rs_copilot.types import ByteImage, FloatArray, Frame, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.placements import ClipPlacements
from rs_copilot.vector.store import read_layer, write_layers
from rs_copilot.video.clip import open_clip

LAYERS = ["detections", "tracks"]
# Seconds between two looks at the map while a clip is still being read.
PARTIAL_EVERY_S = 10.0
# A frame made larger than this shows no more than before.
MAX_ENLARGED = 4.0
# Centres of boxes wander by about a pixel and a half, and placements of frames by some decimetres.
NOISE_PX, MIN_NOISE_M = 1.5, 0.5


@dataclass(frozen=True)
class ClipTask:
    """What to look for in which clip of a scene; ``every_s`` is the time between looks."""

    scene: str
    spec: DetectorSpec
    every_s: float
    gsd_m: float | None = None
    dem: str | None = None


@dataclass
class ClipRun:
    """One clip and what was found in it so far."""

    task: ClipTask
    context: JobContext
    clip: ClipPlacements
    detector: Detector
    terrain: Terrain | None
    sightings: list[Sighting] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    tracks: int = 0
    standing: int = 0

    def __post_init__(self) -> None:
        placed = [item for item in self.clip.placements if item.map_from_px is not None]
        self.placed = {item.frame: item for item in placed}
        self.wanted = spaced([(item.frame, item.time_s) for item in placed], self.task.every_s)

    def run(self) -> None:
        """Look at the placed frames, and write.

        Raises:
            VideoError: the clip is gone or cannot be read.
            CancelledError: stopped; what was found is in the scene.
        """
        path = self.clip.clip_path
        beside = Path(self.task.scene).parent / path.name
        with open_clip(beside if not path.exists() and beside.exists() else path) as clip:
            try:
                self._look(clip.frames())
            except CancelledError:
                self.write()
                raise
            for message in clip.warnings:
                self.context.warn(message)
        self.write()

    def _look(self, frames: Iterator[Frame]) -> None:
        shown = time.monotonic()
        for frame in frames:
            if frame.index not in self.wanted:
                continue
            self.sightings.append(self._sighting(frame))
            partial = None
            if time.monotonic() - shown > PARTIAL_EVERY_S:
                self.write()
                partial, shown = {"scene": self.task.scene, "layers": LAYERS}, time.monotonic()
            text = f"Looking at {self.clip.clip}: {frame.time_s:.1f} s"
            self.context.progress(len(self.sightings), len(self.wanted), text, partial)

    def _sighting(self, frame: Frame) -> Sighting:
        placement = self.placed[frame.index]
        assert placement.map_from_px is not None and placement.size is not None  # noqa: S101  # nosec B101 - narrows
        scale = np.diag(
            [
                placement.size.width_px / frame.size.width_px,
                placement.size.height_px / frame.size.height_px,
                1.0,
            ]
        )
        matrix = hg.orient(placement.map_from_px @ scale, frame.size)
        gsd_m = hg.gsd_m(matrix, frame.size.center_px)
        found = found_in(frame.image, self.detector, gsd_m, self.task.gsd_m or self.detector.gsd_m)
        sight = self._sight(frame, matrix)
        return sighting(frame, found, matrix, sight, gsd_m)

    def _sight(self, frame: Frame, matrix: FloatArray) -> Sight | None:
        if self.terrain is None:
            return None
        placed = {frame.index: matrix}
        return sights(self.terrain, self.clip, placed, frame.size, [frame.time_s], [matrix])[0]

    def write(self) -> None:
        """Write all that was found; rows of an earlier run of a detector on this clip are replaced."""
        followed = follow_detected(self.sightings)
        names, method = self.detector.class_names, self.task.spec.method
        provenance = Provenance(self.clip.clip, method, self.detector.model, self.detector.sha256)
        grid = Grid(self.clip.metric_crs, self.clip.scene_crs)
        tables = {
            "detections": self._detections(followed, self._objects(followed), grid, provenance),
            "tracks": tracks_table(
                followed.moving, [names[label] for label in followed.labels], grid, provenance
            ),
        }
        write_layers(self.task.scene, tables, replace_clip=self.clip.clip, replace_method=method)
        every = [names[label] for item in self.sightings for label in item.labels]
        self.labels = {name: every.count(name) for name in sorted(set(every))}
        self.tracks, self.standing = len(followed.moving), len(followed.standing)

    def _objects(self, followed: Followed) -> dict[int, int]:
        """Numbers of standing objects by track: those of other clips of the scene where they are the same."""
        names = self.detector.class_names
        known = read_objects(self.task.scene, self.clip)
        middles = np.array([item.middle_m for item in followed.standing]).reshape(-1, 2)
        labels = [names[item.label] for item in followed.standing]
        same = same_places(middles, labels, known.middles_m, known.labels)
        new = iter(range(max(known.numbers, default=0) + 1, sys.maxsize))
        return {
            item.track: known.numbers[other] if other >= 0 else next(new)
            for item, other in zip(followed.standing, same, strict=True)
        }

    def _detections(
        self, followed: Followed, objects: Mapping[int, int], grid: Grid, provenance: Provenance
    ) -> gpd.GeoDataFrame:
        rows, shapes = [], []
        for item, ids in zip(self.sightings, followed.ids, strict=True):
            for row, number in enumerate(ids):
                rows.append(
                    {
                        "frame": item.frame,
                        "time_s": item.time_s,
                        "label": self.detector.class_names[item.labels[row]],
                        "score": float(item.scores[row]) if self.task.spec.has_scores else None,
                        "track_id": int(number) or None,
                        "object_id": objects.get(int(number)),
                        "box_px": ",".join(f"{value:.1f}" for value in item.boxes_px[row]),
                        "source": self.task.spec.name,
                    }
                )
                shapes.append(shapely.Polygon(item.quads_m[row]))
        return build_table(schema.DETECTIONS, rows, shapes, grid, provenance)


@dataclass(frozen=True)
class KnownObjects:
    """Standing objects of other clips: numbers, classes, and middles ``(N, 2)`` in map metres."""

    numbers: tuple[int, ...]
    labels: tuple[str, ...]
    middles_m: FloatArray


def read_objects(scene: str, clip: ClipPlacements) -> KnownObjects:
    """What stands in the other clips of a scene, in the metric CRS of this one."""
    table = read_layer(scene, "detections")
    table = table[table["object_id"].notna() & (table["clip"] != clip.clip)]
    if table.empty:
        return KnownObjects((), (), np.zeros((0, 2)))
    centers = table.geometry.to_crs(clip.metric_crs).centroid
    places = pd.DataFrame({"label": table["label"], "x": centers.x, "y": centers.y})
    groups = places.groupby(table["object_id"].astype("int64")).agg(
        {"label": "first", "x": "mean", "y": "mean"}
    )
    numbers = tuple(int(number) for number in groups.index)
    return KnownObjects(numbers, tuple(groups["label"]), groups[["x", "y"]].to_numpy(np.float64))


def spaced(frames: Sequence[tuple[int, float]], every_s: float) -> frozenset[int]:
    """Frames at least ``every_s`` apart, the first included."""
    chosen, due_s = [], -np.inf
    for frame, time_s in sorted(frames, key=lambda item: item[1]):
        if time_s >= due_s - 1e-4:
            chosen.append(frame)
            due_s = time_s + every_s
    return frozenset(chosen)


def found_in(image: ByteImage, detector: Detector, gsd_m: float, wanted_gsd_m: float | None) -> Found:
    """Objects of one picture at the detector's own scale, in pixels of the picture.

    Args:
        image: ``(H, W, 3)`` RGB.
        detector: looks at tiles of its own size.
        gsd_m: ground sampling distance of the picture.
        wanted_gsd_m: what the detector wants; ``None`` for any.
    """
    factor = 1.0 if wanted_gsd_m is None else min(gsd_m / wanted_gsd_m, MAX_ENLARGED)
    if abs(factor - 1.0) > SAME_SCALE:
        how = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
        scaled = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=how), dtype=np.uint8)
    else:
        factor, scaled = 1.0, image
    size = SizeWH(int(scaled.shape[1]), int(scaled.shape[0]))
    plan = plan_tiles(size, detector.tile, detector.overlap_px)
    work = work_of(detector)
    found = Found.join([part for _, part in objects(plan, _answers(scaled, plan, work, detector.batch))])
    step = np.array([size.width_px / image.shape[1], size.height_px / image.shape[0]], dtype=np.float32)
    return Found(found.quads_px / step, found.scores, found.labels)


def _answers(
    image: ByteImage, plan: TilePlan, work: Work, batch: int
) -> Iterator[tuple[Tile, Mapping[str, NDArray[Any]]]]:
    tiles = plan.tiles()
    while group := list(islice(tiles, batch)):
        images = np.concatenate([_cut(image, plan, tile) for tile in group])
        yield from zip(group, work(images, group), strict=True)


def _cut(image: ByteImage, plan: TilePlan, tile: Tile) -> ByteImage:
    x1, y1, x2, y2 = tile.window_px
    piece = image[y1:y2, x1:x2]
    if piece.shape[:2] == (plan.tile.height_px, plan.tile.width_px):
        return piece[None]
    padded = np.zeros((plan.tile.height_px, plan.tile.width_px, 3), dtype=np.uint8)
    padded[: piece.shape[0], : piece.shape[1]] = piece
    return padded[None]


def sighting(
    frame: Frame, found: Found, map_from_px: FloatArray, sight: Sight | None, gsd_m: float
) -> Sighting:
    """Objects of a frame on the ground; those towards the horizon, where a pixel is metres, are left out."""
    x, y = found.centers_px.astype(np.float64).T
    w = map_from_px[2, 0] * x + map_from_px[2, 1] * y + map_from_px[2, 2]
    inside = (x >= 0) & (y >= 0) & (x <= frame.size.width_px) & (y <= frame.size.height_px)
    near = found.take(inside & (w > 1.0 / MAX_RELATIVE_DISTANCE))
    points = hg.apply(map_from_px, near.quads_px.reshape(-1, 2).astype(np.float64))
    quads = (points if sight is None else sight.onto_terrain(points)).reshape(-1, 4, 2)
    real = np.asarray(np.isfinite(quads).all(axis=(1, 2)), dtype=np.bool_)
    near, quads = near.take(real), quads[real]
    noise = np.full(len(near), max(MIN_NOISE_M, NOISE_PX * gsd_m))
    return Sighting(
        frame.index, frame.time_s, quads, near.bounds_px.astype(np.float64),
        near.scores.astype(np.float64), near.labels, noise,
    )  # fmt: skip


def detect_on_clip(task: ClipTask, clip: ClipPlacements, context: JobContext) -> ClipRun:
    """Look at a placed clip and write what is found.

    Raises:
        SceneError: no frame of the clip is placed.
        VideoError: the clip is gone or cannot be read.
        BadInputError: the network cannot be used.
        MissingDependencyError: packages, weights or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    if all(item.map_from_px is None for item in clip.placements):
        raise SceneError(
            f"no frame of {clip.clip} is placed: what is found could not be laid on the ground",
            hint="Locate the clip on a raster that shows the place (rs-copilot localize).",
        )
    terrain = read_terrain(task.scene, clip, task.dem, context)
    with lent_detector(task.spec, context) as detector:
        run = ClipRun(task, context, clip, detector, terrain)
        run.run()
    return run
