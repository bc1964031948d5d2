"""Tracking one placed clip: frames go in one by one, tables come out at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np

from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo import homography as hg
from rs_copilot.geo.paths import places_at
from rs_copilot.tracking.relief import Sight, Terrain, sights
from rs_copilot.tracking.scan import Scanner
from rs_copilot.tracking.stabilise import steady_ground
from rs_copilot.tracking.tables import detections_table, tracks_table
from rs_copilot.tracking.tracks import (
    DEFAULT_TRACKS,
    GroundTrack,
    TrackSettings,
    ground_tracks,
    label_of,
    to_ground,
)
from rs_copilot.types import BoolArray, FloatArray, Frame, FrameStatus, Placement, SizeWH
from rs_copilot.vector.build import Grid, Provenance
from rs_copilot.vector.placements import ClipPlacements

# Frames are looked at no more often than this: faster clips only repeat themselves.
MAX_RATE_HZ = 12.5
# Placed frames are always looked at, but not more of them than this distance allows.
MIN_PLACED_STEP_S = 0.25


@dataclass(frozen=True)
class Findings:
    """What was found so far: tracks and the two tables of the scene."""

    tracks: tuple[GroundTrack, ...]
    tables: Mapping[str, gpd.GeoDataFrame]


class FrameChooser:
    """Which frames of a clip to look at: a steady rate, and the placed ones."""

    def __init__(self, every_s: float, placed: frozenset[int]) -> None:
        self._every_s = every_s
        self._placed = placed
        self._due_s = 0.0
        self._placed_s = -np.inf

    def wants(self, index: int, time_s: float) -> bool:
        """Whether to look at this frame; call it once per frame, in order."""
        lands = index in self._placed and time_s - self._placed_s >= MIN_PLACED_STEP_S
        due = time_s >= self._due_s - 1e-4
        if due:
            self._due_s = max(self._due_s + self._every_s, time_s + 0.5 * self._every_s)
        if lands or (due and index in self._placed):
            self._placed_s = time_s
        return due or lands


class TrackingSession:
    """Holds one clip's placements and scanner.

    Args:
        clip: the placed clip; at least one frame is located or tracked.
        settings: what counts as moving.
        terrain: heights of the ground; without them it is taken for flat.

    Raises:
        ValueError: no frame of the clip is placed.
    """

    def __init__(
        self,
        clip: ClipPlacements,
        settings: TrackSettings = DEFAULT_TRACKS,
        terrain: Terrain | None = None,
    ) -> None:
        placed = [item for item in clip.placements if item.map_from_px is not None]
        if not placed or placed[0].size is None:
            raise ValueError(f"no frame of clip {clip.clip!r} is placed")
        self.clip = clip
        self.settings = settings
        self.terrain = terrain
        self.size: SizeWH = placed[0].size
        self._placed = {item.frame: _full_size(item, self.size) for item in placed}
        self._gsd_times = np.array([item.time_s for item in placed])
        self._gsds = np.array([hg.gsd_m(self._placed[item.frame], self.size.center_px) for item in placed])
        self.scanner = Scanner(self.size, self.gsd_at)

    @property
    def placed_frames(self) -> frozenset[int]:
        """Indices of the placed frames."""
        return frozenset(self._placed)

    @property
    def gsd_m(self) -> float:
        """Median ground sampling distance at the image centre."""
        return float(np.median(self._gsds))

    def gsd_at(self, time_s: float) -> float:
        """Ground sampling distance at the image centre, between the placed frames."""
        return float(np.interp(time_s, self._gsd_times, self._gsds))

    def push(self, frame: Frame) -> None:
        """Look at the next frame."""
        self.scanner.push(frame)

    def findings(self, provenance: Provenance) -> Findings:
        """Tracks and tables from all frames looked at so far."""
        frames = self.scanner.frames[: len(self.scanner.blobs)]
        times = [frame.time_s for frame in frames]
        frame_s = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / MAX_RATE_HZ
        positions = {frame.index: i for i, frame in enumerate(self.scanner.frames)}
        placed = {positions[i]: m for i, m in self._placed.items() if i in positions}
        ground = steady_ground(self.scanner.chain, placed, self.size, untrusted=self._untrusted())[
            : len(frames)
        ]
        real = [item.chosen(self.scanner.not_overlay(item)) for item in self.scanner.blobs]
        seen = self._sights(times, ground)
        blobs = [
            to_ground(b, m, self.scanner.settings, sight=s)
            for b, m, s in zip(real, ground, seen, strict=True)
        ]
        camera = self._camera_m(times, ground)
        tracks = ground_tracks(blobs, times, camera, firm=self._firm(), settings=self.settings)
        grid = Grid(self.clip.metric_crs, self.clip.scene_crs)
        tables = {
            "tracks": tracks_table(
                tracks, [label_of(track, self.gsd_m) for track in tracks], grid, provenance
            ),
            "detections": detections_table(
                tracks, frames, blobs, ground, seen, grid, provenance, gsd_m=self.gsd_m, frame_s=frame_s
            ),
        }
        return Findings(tuple(tracks), tables)

    def _sights(self, times: list[float], ground: list[FloatArray | None]) -> list[Sight | None]:
        if self.terrain is None:
            return [None] * len(times)
        return sights(self.terrain, self.clip, self._placed, self.size, times, ground)

    def _firm(self) -> BoolArray | None:
        """Frames that can vouch for a track; all of them in a clip too short for both sides."""
        firm = np.array(self.scanner.firm, dtype=bool)
        return firm if firm.sum() >= 0.5 * len(firm) else None

    def _untrusted(self) -> frozenset[int]:
        """Frames whose nearest word from localisation is that it does not know the place."""
        times = np.array([item.time_s for item in self.clip.placements])
        lost = np.array([item.status is FrameStatus.UNLOCATED for item in self.clip.placements])
        nearest = [int(np.argmin(np.abs(times - frame.time_s))) for frame in self.scanner.frames]
        return frozenset(i for i, row in enumerate(nearest) if lost[row])

    def _camera_m(self, times: list[float], ground: list[FloatArray | None]) -> FloatArray:
        """Camera over the ground for every frame, ``(N, 2)``: as placed, else what the image centre sees.

        A camera that flies on while its gimbal is still moves as its image centre does.
        """
        known = [
            (p.time_s, camera)
            for p, camera in zip(self.clip.placements, self.clip.cameras, strict=True)
            if camera is not None
        ]
        if len(known) < 2:
            return np.array([_center(matrix, self.size) for matrix in ground]).reshape(-1, 2)
        lonlat = np.array([[camera.lon_deg, camera.lat_deg] for _, camera in known])
        xy = geo_crs.transform(lonlat, geo_crs.WGS84, self.clip.metric_crs)
        seconds = [time_s for time_s, _ in known]
        return places_at(times, seconds, xy)


def _center(matrix: FloatArray | None, size: SizeWH) -> FloatArray:
    return np.full(2, np.nan) if matrix is None else hg.apply(matrix, size.center_px)[0]


def _full_size(placement: Placement, size: SizeWH) -> FloatArray:
    """The homography for frames of ``size``, whatever size the frame was decoded at."""
    assert placement.map_from_px is not None and placement.size is not None  # noqa: S101  # nosec B101 - narrows
    scale = np.diag([placement.size.width_px / size.width_px, placement.size.height_px / size.height_px, 1.0])
    return hg.orient(placement.map_from_px @ scale, size)


def with_min_duration(min_duration_s: float) -> TrackSettings:
    """The usual settings with another shortest duration."""
    return replace(DEFAULT_TRACKS, min_duration_s=min_duration_s)
