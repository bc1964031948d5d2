"""Exact truth of a demo world as tables: poses, footprints, who is seen where, what happens."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from rs_copilot.geo.crs import to_lonlat
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.clip import RenderedFrame
from rs_copilot.simulation.flight import ground_hits
from rs_copilot.simulation.layout import corners
from rs_copilot.simulation.network import BANK_M, HALF_WIDTHS_M, WALKS_M
from rs_copilot.simulation.render import Sighting
from rs_copilot.simulation.scenario import Scenario
from rs_copilot.simulation.traffic import Mover
from rs_copilot.simulation.world import CRS
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vector.gpkg_blob import line_m

MOVING_MPS = 0.3
HIDDEN_SHARE, SEEN_SHARE = 0.1, 0.6
BORDER_POINTS = 12


@dataclass(frozen=True)
class Observation:
    """One object in one frame."""

    frame: int
    time_s: float
    mover: Mover
    sighting: Sighting
    visible: float
    occluder: str | None
    xy_en: FloatArray
    speed_mps: float


def observe(scenario: Scenario, frame: RenderedFrame) -> list[Observation]:
    """What of the moving objects is in this frame, hidden ones included."""
    movers = {mover.track_id: mover for mover in scenario.movers}
    found = []
    for sighting in frame.sightings:
        mover = movers[sighting.tag]
        xyz, _, speed = mover.at(frame.time_s)
        visible = sighting.seen_px / sighting.alone_px
        hider = hider_name(scenario, sighting.hider) if visible < 0.99 else None
        xy_en = scenario.world.origin_en + xyz[:2]
        found.append(Observation(frame.index, frame.time_s, mover, sighting, visible, hider, xy_en, speed))
    return found


def hider_name(scenario: Scenario, hider: tuple[str, int] | None) -> str | None:
    """The name that layer ``occluders`` or ``observations`` uses for what hides something."""
    if hider is None:
        return None
    sort, index = hider
    if sort == "object":
        if index < 0:
            return "bridge"
        return "parked vehicle" if index == 0 else f"track {index}"
    kind = int(scenario.world.field.regions[index, f.KIND])
    return f"{f.KIND_NAMES[kind]} {index}" if kind in (f.BUILDING, f.TREE) else "terrain"


def table(rows: list[dict[str, object]], columns: list[str]) -> gpd.GeoDataFrame:
    """A table with its columns in order, even when it is empty."""
    return gpd.GeoDataFrame(rows, columns=[*columns, "geometry"], geometry="geometry", crs=CRS)


def frames_table(scenario: Scenario) -> gpd.GeoDataFrame:
    """Pose of every frame; the point is the bare ground at the image centre."""
    flight, origin = scenario.flight, scenario.world.origin_en
    rows: list[dict[str, object]] = []
    for index in range(flight.clip.frame_count):
        time_s = flight.clip.time_s(index)
        pose = flight.pose(time_s)
        middle = ground_hits(scenario.world, pose, flight.intrinsics, flight.clip.size.center_px[None])[0]
        seen, camera = origin + middle[:2], origin + pose.xyz_m[:2]
        (lon, lat), (cam_lon, cam_lat) = to_lonlat(np.array([seen, camera]), CRS)
        rows.append(
            {
                "frame": index,
                "time_s": time_s,
                "lon": lon,
                "lat": lat,
                "cam_lon": cam_lon,
                "cam_lat": cam_lat,
                "cam_alt_m": pose.xyz_m[2],
                "cam_x": camera[0],
                "cam_y": camera[1],
                "cam_z": pose.xyz_m[2],
                "ground_z": middle[2],
                "yaw_deg": pose.attitude.yaw_deg,
                "pitch_deg": pose.attitude.pitch_deg,
                "roll_deg": pose.attitude.roll_deg,
                "hfov_deg": flight.intrinsics.hfov_deg,
                "geometry": shapely.Point(seen),
            }
        )
    names = "frame time_s lon lat cam_lon cam_lat cam_alt_m cam_x cam_y cam_z ground_z "
    names += "yaw_deg pitch_deg roll_deg hfov_deg"
    return table(rows, names.split())


def border_px(size: SizeWH) -> FloatArray:
    """Pixels around the image border, corners included, clockwise from the top left. Shape (N, 2)."""
    ring = np.vstack([size.corners_px, size.corners_px[:1]])
    t = np.linspace(0.0, 1.0, BORDER_POINTS, endpoint=False)[:, None]
    return np.vstack([a + t * (b - a) for a, b in itertools.pairwise(ring)])


def footprints_table(scenario: Scenario) -> gpd.GeoDataFrame:
    """The image border on the bare ground."""
    flight = scenario.flight
    rows: list[dict[str, object]] = []
    for index in range(flight.clip.frame_count):
        time_s = flight.clip.time_s(index)
        ring = ground_hits(
            scenario.world, flight.pose(time_s), flight.intrinsics, border_px(flight.clip.size)
        )
        outline = shapely.Polygon(scenario.world.origin_en + ring[:, :2])
        rows.append({"frame": index, "time_s": time_s, "geometry": outline})
    return table(rows, ["frame", "time_s"])


def observations_table(observations: list[Observation]) -> gpd.GeoDataFrame:
    """One row per object and frame."""
    rows: list[dict[str, object]] = [
        {
            "track_id": o.mover.track_id,
            "frame": o.frame,
            "time_s": o.time_s,
            "label": o.mover.label,
            "visible": round(o.visible, 4),
            "occluder": o.occluder,
            "box_px": ",".join(map(str, o.sighting.box_px)),
            "speed_mps": round(o.speed_mps, 3),
            "moving": o.speed_mps > MOVING_MPS,
            "geometry": shapely.Point(o.xy_en),
        }
        for o in observations
    ]
    return table(
        rows, ["track_id", "frame", "time_s", "label", "visible", "occluder", "box_px", "speed_mps", "moving"]
    )


def tracks_table(observations: list[Observation]) -> gpd.GeoDataFrame:
    """One line with times per object, over the frames whose picture it is in."""
    per_track: dict[int, list[Observation]] = defaultdict(list)
    for o in observations:
        per_track[o.mover.track_id].append(o)
    rows: list[dict[str, object]] = []
    for track_id, seen in sorted(per_track.items()):
        if len(seen) < 2:
            continue
        points, times = np.array([o.xy_en for o in seen]), np.array([o.time_s for o in seen])
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        rows.append(
            {
                "track_id": track_id,
                "label": seen[0].mover.label,
                "start_s": times[0],
                "end_s": times[-1],
                "length_m": length,
                "mean_speed_mps": length / (times[-1] - times[0]),
                "geometry": line_m(points, times),
            }
        )
    return table(rows, ["track_id", "label", "start_s", "end_s", "length_m", "mean_speed_mps"])


def events_table(scenario: Scenario, observations: list[Observation]) -> gpd.GeoDataFrame:
    """Stops, starts, turns, the bridge, being hidden and coming out, as far as the camera looked there."""
    per_track: dict[int, list[Observation]] = defaultdict(list)
    for o in observations:
        per_track[o.mover.track_id].append(o)
    rows: list[dict[str, object]] = []
    for seen in per_track.values():
        rows += _changes(scenario, seen)
        for time_s, angle in seen[0].mover.turns:
            near = min(seen, key=lambda o, at=time_s: abs(o.time_s - at))  # type: ignore[misc]
            if abs(near.time_s - time_s) < 0.3:
                rows.append(_event(near, "turn left" if angle > 0 else "turn right", None))
    rows.sort(key=lambda row: (row["time_s"], row["track_id"]))
    return table(rows, ["track_id", "time_s", "frame", "label", "event", "detail"])


def _changes(scenario: Scenario, seen: list[Observation]) -> list[dict[str, object]]:
    rows = []
    places = np.array([o.xy_en for o in seen]) - scenario.world.origin_en
    heights = np.array([o.mover.at(o.time_s)[0][2] for o in seen])
    deck = scenario.world.network.is_on_deck(places) & (heights > scenario.world.ground_z(places) + 0.1)
    hidden = False
    for i in range(1, len(seen)):
        before, now = seen[i - 1], seen[i]
        if (before.speed_mps > MOVING_MPS) != (now.speed_mps > MOVING_MPS):
            rows.append(_event(now, "start" if now.speed_mps > MOVING_MPS else "stop", None))
        if deck[i] != deck[i - 1]:
            rows.append(_event(now, "enter bridge" if deck[i] else "leave bridge", None))
        if not hidden and now.visible < HIDDEN_SHARE:
            hidden = True
            rows.append(_event(now, "occluded", now.occluder))
        elif hidden and now.visible > SEEN_SHARE:
            hidden = False
            rows.append(_event(now, "visible again", None))
    return rows


def _event(at: Observation, name: str, detail: str | None) -> dict[str, object]:
    return {
        "track_id": at.mover.track_id,
        "time_s": at.time_s,
        "frame": at.frame,
        "label": at.mover.label,
        "event": name,
        "detail": detail,
        "geometry": shapely.Point(at.xy_en),
    }


def zones_table(scenario: Scenario) -> gpd.GeoDataFrame:
    """Named areas: blocks, fields, car parks, pitches, the bridge, the river."""
    origin = scenario.world.origin_en
    rows: list[dict[str, object]] = [
        {"name": zone.name, "kind": zone.kind, "geometry": shapely.Polygon(origin + zone.outline_xy)}
        for zone in scenario.world.zones
    ]
    rows.append({"name": "Bridge Street bridge", "kind": "bridge", "geometry": _bridge(scenario)})
    return table(rows, ["name", "kind"])


def _bridge(scenario: Scenario) -> shapely.Polygon:
    network = scenario.world.network
    middle_a = network.plan.ab(network.bridge.points_xy[:1])[0, 0]
    middle = network.plan.xy(np.array([[middle_a, network.plan.river_b_m]]))[0]
    half_width = HALF_WIDTHS_M[2] + WALKS_M[2] + 0.3
    outline = corners(middle, network.plan.angle_rad, half_width, BANK_M)
    return shapely.Polygon(scenario.world.origin_en + outline)


def occluders_table(scenario: Scenario) -> gpd.GeoDataFrame:
    """Outlines of what can hide things, with the height above the ground."""
    origin, regions = scenario.world.origin_en, scenario.world.field.regions.astype(np.float64)
    rows: list[dict[str, object]] = [
        {"name": "bridge", "kind": "bridge", "height_m": 6.0, "geometry": _bridge(scenario)}
    ]
    for index in np.flatnonzero(np.isin(regions[:, f.KIND], (f.BUILDING, f.TREE))):
        row = regions[index]
        kind = f.KIND_NAMES[int(row[f.KIND])]
        center = origin + row[[f.CX, f.CY]]
        if kind == "building":
            shape = shapely.Polygon(origin + scenario.world.outlines[int(index)])
        else:
            shape = shapely.Point(center).buffer(float(row[f.HALF_U]), quad_segs=4)
        height = float(row[f.HEIGHT] + (row[f.RISE] if kind == "building" else 0.0))
        rows.append(
            {"name": f"{kind} {index}", "kind": kind, "height_m": round(height, 2), "geometry": shape}
        )
    return table(rows, ["name", "kind", "height_m"])


def roads_table(scenario: Scenario) -> gpd.GeoDataFrame:
    """Middle lines of the roads."""
    origin = scenario.world.origin_en
    rows: list[dict[str, object]] = [
        {
            "name": edge.name,
            "road_class": ("residential", "collector", "main")[edge.road_class],
            "width_m": 2.0 * edge.half_width_m,
            "bridge": edge.bridge,
            "geometry": shapely.LineString(origin + edge.points_xy),
        }
        for edge in scenario.world.network.edges
    ]
    return table(rows, ["name", "road_class", "width_m", "bridge"])


def truth_tables(scenario: Scenario, observations: list[Observation]) -> dict[str, gpd.GeoDataFrame]:
    """All layers of ``truth.gpkg``."""
    return {
        "frames": frames_table(scenario),
        "footprints": footprints_table(scenario),
        "tracks": tracks_table(observations),
        "observations": observations_table(observations),
        "events": events_table(scenario, observations),
        "zones": zones_table(scenario),
        "occluders": occluders_table(scenario),
        "roads": roads_table(scenario),
    }
