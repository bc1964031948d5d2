"""How long answers take on a large scene: the first question of a process, and those that follow.

    python -m benchmarks.asking [--work DIR] [--frames N] [--tracks N] [--markdown FILE]

The scene is made by this script: a slanting camera flies to and fro over a town of streets and houses, with
vehicles on the streets, some of which stop. Every task is asked first in a process of its own, the others
follow there. Seconds of processor time are told beside those of the clock; importing is told apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from benchmarks.localization.report import provenance
from benchmarks.localization.store import OUT, ROOT
from rs_copilot.geo import crs as geo_crs
from rs_copilot.types import CameraPosition, FloatArray, FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import (
    Grid,
    Provenance,
    build_table,
    footprints_table,
    frames_table,
    trajectory_table,
)
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.store import create_scene, write_layers

CRS = pyproj.CRS.from_epsg(32633)
ORIGIN = np.array([500_000.0, 5_400_000.0])
SIZE = SizeWH(1920, 1080)
FPS, SPEED_MPS, LEG_M, ROW_M = 10.0, 10.0, 1500.0, 120.0
# The camera looks ahead of itself so far, and its picture widens from the near to the far edge.
HEIGHT_M, AHEAD_M, NEAR_M, FAR_M, HALF_M = 90.0, 60.0, 25.0, 110.0, 45.0
BLOCK_M, HOUSE_M = 100.0, 18.0
TRACK_S, TRACK_STEP_S, BOXES = 20.0, 0.2, 20
STANDING = 1000
LAYERS = ("zones", "roads", "occluders")
COLUMNS = ("asked", "first question, CPU s", "first question, s", "as a follow-up, CPU s: median", "most")


def place(x: float, y: float) -> FloatArray:
    """A local place in the CRS of the scene (2,)."""
    return ORIGIN + [x, y]


def flight(frames: int) -> FloatArray:
    """Easting, northing and heading of the camera in every frame (N, 3): legs to and fro, side by side."""
    along = np.arange(frames) * SPEED_MPS / FPS
    leg, rest = np.divmod(along, LEG_M)
    is_back = leg % 2 == 1
    x = np.where(is_back, LEG_M - rest, rest)
    return np.stack([x, leg * ROW_M, np.where(is_back, -1.0, 1.0)], axis=1)


def placements(frames: int) -> list[Placement]:
    """Frames of the flight. Each picture is a trapezium of ground ahead of the camera."""
    corners = np.array([[0, 0], [SIZE.width_px, 0], [SIZE.width_px, SIZE.height_px], [0, SIZE.height_px]])
    found = []
    for index, (x, y, way) in enumerate(flight(frames)):
        wide = HALF_M * (HEIGHT_M + FAR_M) / (HEIGHT_M + NEAR_M)
        ground = np.array([[FAR_M, wide], [FAR_M, -wide], [NEAR_M, -HALF_M], [NEAR_M, HALF_M]]) * way
        matrix = _homography(corners.astype(np.float64), ground + place(x, y))
        lon, lat = geo_crs.to_lonlat(place(x, y)[None], CRS)[0]
        found.append(
            Placement(
                index, index / FPS, FrameStatus.LOCATED, 0.95, 1.5, matrix, SIZE,
                camera=CameraPosition(LonLat(lon, lat), HEIGHT_M),
            )
        )  # fmt: skip
    return found


def _homography(px: FloatArray, ground: FloatArray) -> FloatArray:
    """The homography that takes four points to four others (Hartley and Zisserman 2004, 4.1)."""
    middle = ground.mean(axis=0)
    rows = []
    for (u, v), (x, y) in zip(px, ground - middle, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
    h = np.append(np.linalg.solve(np.array(rows), (ground - middle).ravel()), 1.0).reshape(3, 3)
    return np.asarray(np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1]]) @ h)


def drives(frames: int, count: int, rng: np.random.Generator) -> list[FloatArray]:
    """Time and local place of vehicles (N, 3) that drive in the picture, a third of which stop half-way."""
    path = flight(frames)
    steps = np.arange(0.0, TRACK_S, TRACK_STEP_S)
    found = []
    for number in range(count):
        start = int(number * frames / count)
        x, y, way = path[start]
        pace = np.where((number % 3 == 0) & (steps > TRACK_S / 2), 0.0, rng.uniform(6.0, 12.0))
        along = np.cumsum(pace * TRACK_STEP_S)
        street = y + rng.choice([-20.0, 0.0, 20.0])
        jitter = rng.normal(0.0, 0.2, (2, len(steps)))
        found.append(
            np.stack(
                [start / FPS + steps, x + way * (AHEAD_M + along) + jitter[0], street + jitter[1]], axis=1
            )
        )
    return found


def write_scene(folder: Path, frames: int, tracks: int) -> None:
    """A scene and, beside it, a map of zones, roads and houses."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    scene = folder / "scene.gpkg"
    scene.unlink(missing_ok=True)
    create_scene(scene, CRS)
    grid, origin = Grid(CRS, CRS), Provenance("clip.mp4", "made for a benchmark")
    where, paths = placements(frames), drives(frames, tracks, rng)
    write_layers(
        scene,
        {
            "frames": frames_table(where, grid, origin, clip_path="clip.mp4"),
            "footprints": footprints_table(where, grid, origin),
            "trajectory": trajectory_table(where, grid, origin),
            "tracks": _tracks(paths, grid, origin),
            "detections": _detections(paths, grid, origin, rng),
        },
    )
    (folder / "map.gpkg").unlink(missing_ok=True)
    for name, rows in _map(frames).items():
        table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)
        table.to_file(folder / "map.gpkg", layer=name, driver="GPKG")


def _tracks(paths: Sequence[FloatArray], grid: Grid, origin: Provenance) -> gpd.GeoDataFrame:
    rows = [
        {"track_id": number, "label": "vehicle", "start_s": path[0, 0], "end_s": path[-1, 0]}
        for number, path in enumerate(paths, 1)
    ]
    lines = [line_m(ORIGIN + path[:, 1:], path[:, 0]) for path in paths]
    return build_table(schema.TRACKS, rows, lines, grid, origin)


def _detections(
    paths: Sequence[FloatArray], grid: Grid, origin: Provenance, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Boxes of what moves, and standing objects that were seen three times each."""
    rows: list[dict[str, Any]] = []
    places: list[FloatArray] = []
    for number, path in enumerate(paths, 1):
        for time_s, x, y in path[:: max(1, len(path) // BOXES)]:
            rows.append({"time_s": time_s, "label": "vehicle", "score": 0.8, "track_id": number})
            places.append(place(x, y))
    low, high = np.zeros(2), flight(len(paths) * 10)[:, :2].max(axis=0)
    for number in range(STANDING):
        spot = place(*rng.uniform(low, high + 1.0))
        for _ in range(3):
            rows.append({"label": "car", "score": float(rng.uniform(0.4, 0.9)), "object_id": number})
            places.append(spot + rng.normal(0.0, 0.3, 2))
    boxes = [shapely.box(*(spot - 2.0), *(spot + 2.0)) for spot in places]
    return build_table(schema.DETECTIONS, rows, boxes, grid, origin)


def _map(frames: int) -> dict[str, list[dict[str, object]]]:
    """Streets every hundred metres, two houses and a zone to each block."""
    top = float(flight(frames)[:, 1].max()) + BLOCK_M
    columns, rows = np.arange(0.0, LEG_M, BLOCK_M), np.arange(-BLOCK_M, top, BLOCK_M)
    zones, houses = [], []
    for x in columns:
        for y in rows:
            name = f"block {x / BLOCK_M:.0f}-{y / BLOCK_M:.0f}"
            zones.append({"name": name, "kind": "block", "geometry": _box(x + 30.0, y + 30.0, 60.0)})
            for shift in (25.0, 60.0):
                house = _box(x + shift, y + 35.0, HOUSE_M)
                houses.append(
                    {"name": f"house {len(houses)}", "kind": "building", "height_m": 9.0, "geometry": house}
                )
    streets = [((x, rows[0]), (x, rows[-1])) for x in columns] + [((0.0, y), (LEG_M, y)) for y in rows]
    roads = [
        {"name": f"Street {number}", "bridge": False, "geometry": shapely.LineString([place(*a), place(*b)])}
        for number, (a, b) in enumerate(streets)
    ]
    return {"zones": zones, "roads": roads, "occluders": houses}


def _box(x: float, y: float, side_m: float) -> shapely.Polygon:
    return shapely.box(*place(x, y), *place(x + side_m, y + side_m))


def questions(frames: int) -> dict[str, dict[str, Any]]:
    """One question of each task, as parameters of `ask`; the moments lie within the clip."""
    late_s = round(0.6 * (frames - 1) / FPS, 1)
    x, y, way = flight(frames)[int(late_s * FPS)]
    ahead = shapely.Point(place(x + way * AHEAD_M, y))
    spots = {
        "A": ahead,
        "B": shapely.Point(place(400.0, 45.0)),
        "C": shapely.Point(place(900.0, -15.0)),
        "D": shapely.Point(place(1200.0, 30.0)),
    }
    squares = {
        name: shapely.box(*(np.array(spot.coords[0]) - 40.0), *(np.array(spot.coords[0]) + 40.0))
        for name, spot in spots.items()
    }
    path = flight(frames)[::50, :2]
    lines = {
        name: shapely.LineString(ORIGIN + path * size)
        for name, size in zip("ABCD", (0.5, 1.0, 0.8, 1.3), strict=True)
    }
    choices = {name: f"mark {name}" for name in spots}
    shut = {"A": "yes", "B": "no"}
    three = {name: spots[name] for name in "ABC"}
    return {
        "target visibility": _asked("Is mark A visible in the clip?", {"A": spots["A"]}, shut),
        "scene association": _asked(
            f"Which of the squares does the picture at {late_s} s show?",
            squares,
            {n: f"square {n}" for n in squares},
        ),
        "zone counting": _asked("How many vehicles drive through zone A?", {"A": squares["A"]}),
        "temporal grounding": _asked("When is mark A first seen?", {"A": spots["A"]}),
        "event geo-localization": _asked(f"At which mark does a vehicle stop at {late_s} s?", spots, choices),
        "trajectory matching": _asked(
            "Which line did the drone follow?", lines, {n: f"line {n}" for n in lines}
        ),
        "relative distance": _asked(
            f"How far is mark A from the middle of the picture at {late_s} s?", {"A": spots["C"]}
        ),
        "relative direction": _asked(
            "In which direction is mark B from mark A?", {n: spots[n] for n in "AB"}
        ),
        "occlusion attribution": _asked(f"What hides mark A at {late_s} s?", {"A": spots["A"]}),
        "region reachability": _asked(
            "Can mark B be reached from mark A if Street 3 is closed?", {n: spots[n] for n in "AB"}, shut
        ),
        "spatiotemporal ordering": _asked("In what order are A, B and C seen?", three),
        "region interaction": _asked(
            "Where do vehicles from zone A go, to zone B or to zone C?", {n: squares[n] for n in "ABC"}
        ),
    }


def _asked(
    text: str, marks: Mapping[str, shapely.Geometry], choices: Mapping[str, str] | None = None
) -> dict[str, Any]:
    drawn = [{"name": name, "geometry": _lonlat(shape)} for name, shape in marks.items()]
    return {"question": text, "marks": drawn, "choices": dict(choices or {})}


def _lonlat(shape: shapely.Geometry) -> dict[str, Any]:
    moved = shapely.transform(shape, lambda xy: geo_crs.to_lonlat(xy, CRS))
    return dict(shapely.geometry.mapping(moved))


def ask_all(folder: Path, first: str) -> dict[str, Any]:
    """Ask one task, then the others, in this process; seconds of processor and clock of each."""
    from rs_copilot.jobs.ask import AskParams, run
    from rs_copilot.jobs.context import JobContext

    found: dict[str, Any] = {"import": (time.process_time(), 0.0)}
    asked = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    layers = {name: f"{folder / 'map.gpkg'}|layername={name}" for name in LAYERS}
    for name in (first, *(name for name in asked if name != first)):
        begun = time.process_time(), time.monotonic()
        result = run(AskParams(scene=str(folder / "scene.gpkg"), layers=layers, **asked[name]), JobContext())
        found[name] = _since(begun)
        print(f"{name}: {result.answer or result.reason}", file=sys.stderr)
    return found


def _since(begun: tuple[float, float]) -> tuple[float, float]:
    return time.process_time() - begun[0], time.monotonic() - begun[1]


def measured(folder: Path) -> dict[str, dict[str, Any]]:
    """What `ask_all` gives for each task as the first one, each in a new process."""
    names = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    found = {}
    for name in names:
        command = [sys.executable, "-m", "benchmarks.asking", "--work", str(folder), "--first", name]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        found[name] = json.loads(done.stdout)
    return found


def report(found: Mapping[str, Mapping[str, Any]], frames: int, tracks: int) -> str:
    """A table in Markdown: a line for each task."""
    imports = [run["import"][0] for run in found.values()]
    lines = [
        provenance([]),
        f"{frames:,} frames, {tracks:,} tracks. Starting and importing take "
        f"{statistics.median(imports):.2f} s of processor time before that, once in the life of a worker.\n",
        "| " + " | ".join(COLUMNS) + " |",
        "| " + " | ".join(["---"] * len(COLUMNS)) + " |",
    ]
    for name, run in found.items():
        later = [other[name][0] for first, other in found.items() if first != name]
        cells = [name, *(f"{value:.2f}" for value in (*run[name], statistics.median(later), max(later)))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Make the scene, ask, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "asking", help="the scene is made here")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--tracks", type=int, default=1_000)
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument("--first", help="ask this task first, then the others; used for the processes")
    options = parser.parse_args()
    if options.first:
        print(json.dumps(ask_all(options.work, options.first)))
        return
    write_scene(options.work, options.frames, options.tracks)
    asked = json.dumps(questions(options.frames))
    (options.work / "questions.json").write_text(asked, encoding="utf-8")
    text = report(measured(options.work), options.frames, options.tracks)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
