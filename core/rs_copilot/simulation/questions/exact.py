"""What is exactly true of a demo world: what the camera sees when, what hides it, what moved where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from rs_copilot.geo.crs import GEOD, to_lonlat
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.flight import ground_hits
from rs_copilot.simulation.scenario import Scenario
from rs_copilot.simulation.truth import border_px
from rs_copilot.simulation.world import CRS
from rs_copilot.types import BoolArray, FloatArray

# A ray that is stopped no farther than this before its end reaches it.
NEAR_GROUND_M = 1.0
SEEN_SHARE, GLIMPSE_SHARE = 0.5, 0.05
HIDERS = ("building", "tree")
BRIDGE_M = 18.0


@dataclass(frozen=True)
class Sight:
    """How a ground point lies to every frame (N,).

    ``inside_m`` is how far inside the picture it is on the ground, negative outside; ``is_clear`` whether
    nothing stands in the way; ``hider`` the row of the region that does, 0 for none and -1 for bare ground.
    """

    inside_m: FloatArray
    is_clear: BoolArray
    hider: FloatArray

    def seen(self, margin_m: float = 0.0) -> BoolArray:
        """Frames that see it."""
        return np.asarray((self.inside_m > margin_m) & self.is_clear)


@dataclass(frozen=True, eq=False)
class Walk:
    """A moving object while the camera saw it clearly: ``times_s`` (N,), ``xy`` (N, 2) local metres."""

    track_id: int
    label: str
    times_s: FloatArray = field(repr=False)
    xy: FloatArray = field(repr=False)
    speed_mps: FloatArray = field(repr=False)

    def inside(self, area: shapely.Geometry) -> BoolArray:
        """Moments in an area."""
        return np.asarray(shapely.contains_xy(area, self.xy[:, 0], self.xy[:, 1]))


@dataclass(frozen=True)
class Exact:
    """A world with its flight; places are local metres. ``observations`` is the layer of ``truth.gpkg``."""

    scenario: Scenario
    observations: gpd.GeoDataFrame = field(repr=False)
    events: gpd.GeoDataFrame = field(repr=False)

    @cached_property
    def times_s(self) -> FloatArray:
        """Time of every frame."""
        clip = self.scenario.flight.clip
        return np.array([clip.time_s(index) for index in range(clip.frame_count)])

    @cached_property
    def footprints(self) -> list[shapely.Polygon]:
        """Ground that every frame shows."""
        flight, world = self.scenario.flight, self.scenario.world
        border = border_px(flight.clip.size)
        return [
            shapely.Polygon(ground_hits(world, flight.pose(float(t)), flight.intrinsics, border)[:, :2])
            for t in self.times_s
        ]

    @cached_property
    def centers(self) -> FloatArray:
        """Ground at the image centres (N, 2)."""
        flight, world = self.scenario.flight, self.scenario.world
        middle = flight.clip.size.center_px[None]
        return np.array(
            [
                ground_hits(world, flight.pose(float(t)), flight.intrinsics, middle)[0, :2]
                for t in self.times_s
            ]
        )

    @cached_property
    def cameras(self) -> FloatArray:
        """Camera centres (N, 3)."""
        return np.array([self.scenario.flight.pose(float(t)).xyz_m for t in self.times_s])

    @cached_property
    def seen_ground(self) -> shapely.Geometry:
        """All ground that any frame shows."""
        return shapely.union_all(self.footprints)

    @cached_property
    def walks(self) -> list[Walk]:
        """Moving objects while they were seen clearly, those seen for three frames or more."""
        clear = self.observations[self.observations["visible"] > SEEN_SHARE]
        found = []
        for track_id, rows in clear.sort_values("time_s").groupby("track_id"):
            xy = shapely.get_coordinates(rows.geometry.to_numpy()) - self.scenario.world.origin_en
            if len(rows) >= 3:
                values = (rows[name].to_numpy(dtype=np.float64) for name in ("time_s", "speed_mps"))
                times, speeds = values
                found.append(Walk(int(track_id), str(rows["label"].iloc[0]), times, xy, speeds))
        return found

    def sight(self, xy: FloatArray, height_m: float = 0.0) -> Sight:
        """How a place on the ground lies to every frame."""
        ground = float(self.scenario.world.ground_z(xy[None])[0])
        point = shapely.Point(xy)
        outlines = np.array(self.footprints)
        inside = shapely.distance(shapely.boundary(outlines), point)
        inside = np.where(shapely.contains(outlines, point), inside, -inside)
        hider = np.zeros(len(inside))
        for index in np.flatnonzero(inside > -2.0):
            hider[index] = self._hider(self.cameras[index], np.append(xy, ground + height_m))
        return Sight(inside, hider == 0, hider)

    def _hider(self, camera: FloatArray, point: FloatArray) -> int:
        """The region that stops the ray from the camera to a point; 0 for none, -1 for bare ground."""
        from rs_copilot.simulation.raycast import march

        field_ = self.scenario.world.field
        step = point - camera
        length = float(np.linalg.norm(step))
        reached = march(field_, *(float(value) for value in (*camera, *(step / length))))
        if reached >= length - NEAR_GROUND_M:
            return 0
        x, y = camera[:2] + reached * step[:2] / length
        # A hit lies on the border of a cell as often as not: the step beyond it lies in what was hit.
        beyond = np.array([x, y]) + 0.5 * field_.cell_m * step[:2] / length
        cell = np.floor(beyond / field_.cell_m).astype(int)
        region = int(field_.region[cell[1], cell[0]])
        return region if region and self.kind_of(region) in HIDERS else -1

    def hiders(self, index: int, xy: FloatArray, height_m: float = 0.0) -> frozenset[str]:
        """Kinds of all that the ray from a frame's camera to a place goes through, not only the first."""
        world, field_ = self.scenario.world, self.scenario.world.field
        end = np.append(xy, float(world.ground_z(xy[None])[0]) + height_m)
        start = self.cameras[index]
        count = int(2.0 * np.linalg.norm(end[:2] - start[:2]) / field_.cell_m) + 2
        points = start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)
        cell = np.floor(points[:, :2] / field_.cell_m).astype(int)
        columns, rows = np.clip(cell, 0, np.array(field_.top.shape[::-1]) - 1).T
        hit = (points[:, 2] < field_.top[rows, columns]) & (points[:, 2] > field_.under[rows, columns])
        names = {self.kind_of(region) for region in np.unique(field_.region[rows, columns][hit])}
        return frozenset(names & set(HIDERS))

    def is_clear_of_vehicles(self, xy: FloatArray, time_s: float, margin_m: float = 5.0) -> bool:
        """Whether no vehicle or person is near a place at a moment, parked ones included."""
        moving = np.array([mover.at(time_s)[0][:2] for mover in self.scenario.movers]).reshape(-1, 2)
        places = np.vstack([moving, self.parked])
        return not len(places) or float(np.hypot(*(places - xy).T).min()) > margin_m

    @cached_property
    def parked(self) -> FloatArray:
        """Middles of parked vehicles (N, 2)."""
        boxes = [group[:, [f.BOX_X, f.BOX_Y]].mean(axis=0) for group in self.scenario.still]
        return np.array(boxes, dtype=np.float64).reshape(-1, 2)

    @cached_property
    def map_area(self) -> shapely.Polygon:
        """What the satellite image shows."""
        world = self.scenario.world.settings
        return shapely.box(*[world.margin_m] * 2, *[world.side_m - world.margin_m] * 2)

    @cached_property
    def bridge_area(self) -> shapely.Polygon:
        """The bridge and what it may hide: its deck is no part of the field that rays are cast into."""
        return shapely.LineString(self.scenario.world.network.bridge.points_xy).buffer(BRIDGE_M)

    @cached_property
    def step_s(self) -> float:
        """Seconds from one frame to the next."""
        return float(1 / self.scenario.flight.clip.fps)

    def glimpsed(self, area: shapely.Geometry) -> set[int]:
        """Vehicles of which anything was seen in an area, by track."""
        tracks, xy = self._glimpses
        return set(tracks[shapely.contains_xy(area, xy[:, 0], xy[:, 1])].tolist())

    @cached_property
    def _glimpses(self) -> tuple[FloatArray, FloatArray]:
        """Tracks (N,) and places (N, 2) of vehicles in frames that show anything of them."""
        rows = self.observations
        rows = rows[(rows["label"] != "person") & (rows["visible"] > GLIMPSE_SHARE)]
        xy = shapely.get_coordinates(rows.geometry.to_numpy()) - self.scenario.world.origin_en
        return rows["track_id"].to_numpy(), xy

    def kind_of(self, region: int) -> str:
        """What a region is: building, tree, …"""
        return f.KIND_NAMES[int(self.scenario.world.field.regions[region, f.KIND])]

    def lonlat(self, shape: shapely.Geometry) -> Mapping[str, object]:
        """A local shape as GeoJSON in degrees."""
        origin = self.scenario.world.origin_en
        moved = shapely.transform(shape, lambda xy: to_lonlat(xy + origin, CRS))
        return dict(shapely.geometry.mapping(moved))

    def geodesic(self, a: FloatArray, b: FloatArray) -> tuple[float, float]:
        """Metres and true azimuth between two local points."""
        ends = to_lonlat(np.array([a, b]) + self.scenario.world.origin_en, CRS)
        azimuth, _, metres = GEOD.inv(*ends[0], *ends[1])
        return float(metres), float(azimuth) % 360.0

    def index(self, time_s: float) -> int:
        """The frame of a moment."""
        return int(np.argmin(np.abs(self.times_s - time_s)))
