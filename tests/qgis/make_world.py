"""Makes a small world with known truth: a raster, a clip that flies over it, and its true scene.

Run in the engine's Python, because QGIS's has none of its packages: ``python make_world.py FOLDER``.
The ground is flat and the frames are cut from the raster through known homographies.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pyproj
import rasterio
import shapely

from rs_copilot.geo import crs as geo_crs
from rs_copilot.types import CameraPosition, FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import (
    Grid,
    Provenance,
    build_table,
    footprints_table,
    frames_table,
    trajectory_table,
)
from rs_copilot.vector.store import create_scene, write_layers

CRS = pyproj.CRS.from_epsg(32633)
WEST_M, NORTH_M, GSD_M, SIDE_PX = 500000.0, 5500000.0, 0.5, 1000
SIZE = SizeWH(480, 270)
FPS, SECONDS = 10, 8


def ground() -> np.ndarray:
    """Texture at every scale, and no symmetry."""
    rng = np.random.default_rng(7)
    image = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)
    for scale in (4, 16, 64, 250):
        small = rng.normal(0, 1, (SIDE_PX // scale + 2, SIDE_PX // scale + 2, 3)).astype(np.float32)
        image += cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC) * scale**0.3
    image = np.clip(105 + 14 * image, 0, 255).astype(np.uint8)
    for _ in range(140):
        x, y = rng.integers(0, SIDE_PX, 2)
        w, h = rng.integers(10, 50, 2)
        angle = float(rng.uniform(0, 180))
        box = cv2.boxPoints(((float(x), float(y)), (float(w), float(h)), angle)).astype(np.int32)
        cv2.fillPoly(image, [box], [int(c) for c in rng.integers(30, 230, 3)])
    return image


def map_from_px(time_s: float) -> np.ndarray:
    """Frame pixels to metres: a slow turn along an arc, seen straight down at 0.25 m per pixel."""
    angle = np.radians(20.0 + 8.0 * time_s)
    centre = np.array([WEST_M + 150 + 22.0 * time_s, NORTH_M - 320 + 12.0 * np.sin(time_s / 2)])
    c, s = 0.25 * np.cos(angle), 0.25 * np.sin(angle)
    # x right and y down in the picture; east and north on the map.
    turn = np.array([[c, -s], [-s, -c]])
    shift = centre - turn @ SIZE.center_px
    return np.array([[*turn[0], shift[0]], [*turn[1], shift[1]], [0, 0, 1]])


def frame_image(image: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """What the camera sees; OpenCV puts (0, 0) at the centre of the first pixel."""
    raster_from_map = np.array(
        [[1 / GSD_M, 0, -WEST_M / GSD_M], [0, -1 / GSD_M, NORTH_M / GSD_M], [0, 0, 1.0]]
    )
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    raster_from_px = np.linalg.inv(half) @ raster_from_map @ homography @ half
    size = (SIZE.width_px, SIZE.height_px)
    return cv2.warpPerspective(image, raster_from_px, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def write_raster(path: Path, image: np.ndarray) -> None:
    transform = rasterio.transform.from_origin(WEST_M, NORTH_M, GSD_M, GSD_M)
    profile = {"driver": "GTiff", "height": SIDE_PX, "width": SIDE_PX, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs=CRS.to_wkt(), transform=transform, tiled=True, **profile) as file:
        file.write(image.transpose(2, 0, 1))


def write_clip(path: Path, image: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = SIZE.width_px, SIZE.height_px, "yuv420p"
        stream.options = {"g": "20", "preset": "veryfast", "crf": "20"}
        for index in range(FPS * SECONDS):
            picture = frame_image(image, map_from_px(index / FPS))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def placements() -> list[Placement]:
    found = []
    for index in range(0, FPS * SECONDS, 5):
        time_s = index / FPS
        if index == 30:
            reason = "nothing on the map looks like it"
            found.append(Placement(index, time_s, FrameStatus.UNLOCATED, 0.1, reason=reason))
            continue
        homography = map_from_px(time_s)
        lonlat = geo_crs.to_lonlat((homography @ [*SIZE.center_px, 1.0])[None, :2], CRS)[0]
        camera = CameraPosition(LonLat(*lonlat), alt_agl_m=90.0)
        status = FrameStatus.TRACKED if index % 20 == 10 else FrameStatus.LOCATED
        found.append(Placement(index, time_s, status, 0.97, 2.0, homography, SIZE, camera=camera))
    return found


def search_areas() -> tuple[list[dict[str, float]], list[shapely.Polygon]]:
    """Where the unlocated frame may be: two squares around its true place, and a part far away."""
    centre = (map_from_px(3.0) @ [*SIZE.center_px, 1.0])[:2]
    shapes = [shapely.Point(*centre).buffer(half_m, cap_style="square") for half_m in (40.0, 120.0)]
    far = shapely.Point(centre[0] + 300.0, centre[1]).buffer(20.0, cap_style="square")
    rows = [
        {"frame": 30, "time_s": 3.0, "probability": share, "area_km2": shape.area / 1e6, "level": level}
        for share, shape, level in zip((0.5, 0.7, 0.2), (*shapes, far), (0.5, 0.9, 0.9), strict=True)
    ]
    return rows, [*shapes, far]


def write_scene(path: Path, clip: Path) -> None:
    create_scene(path, CRS)
    grid, provenance = Grid(CRS, CRS), Provenance(clip.name, "truth")
    rows = placements()
    write_layers(
        path,
        {
            "frames": frames_table(rows, grid, provenance, clip_path=str(clip)),
            "footprints": footprints_table(rows, grid, provenance),
            "trajectory": trajectory_table(rows, grid, provenance),
            "search_area": build_table(schema.SEARCH_AREA, *search_areas(), grid, provenance),
        },
    )


def main(folder: Path) -> None:
    image = ground()
    write_raster(folder / "satellite.tif", image)
    write_clip(folder / "clip.mp4", image)
    write_scene(folder / "scene.gpkg", folder / "clip.mp4")
    times = [index / FPS for index in range(FPS * SECONDS)]
    truth = {f"{time_s:.1f}": map_from_px(time_s).ravel().tolist() for time_s in times}
    (folder / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    (folder / "clip.srt").write_text(srt(times), encoding="utf-8")


def srt(times: list[float]) -> str:
    """Telemetry as DJI writes it."""
    blocks = []
    for number, time_s in enumerate(times, start=1):
        homography = map_from_px(time_s)
        lon, lat = geo_crs.to_lonlat((homography @ [*SIZE.center_px, 1.0])[None, :2], CRS)[0]
        yaw = (20.0 + 8.0 * time_s) % 360.0
        start, end = (f"00:00:{t:06.3f}".replace(".", ",") for t in (time_s, time_s + 1 / FPS))
        values = (
            f"[focal_len : 24.00] [latitude: {lat:.7f}] [longitude: {lon:.7f}] "
            f"[rel_alt: 90.000 abs_alt: 290.000] [gb_yaw: {yaw:.1f} gb_pitch: -90.0 gb_roll: 0.0]"
        )
        blocks.append(f"{number}\n{start} --> {end}\nFrameCnt: {number}, DiffTime: 100ms\n{values}\n")
    return "\n".join(blocks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
