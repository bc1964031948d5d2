"""Maps that are no photographs: shading, a street map, a composite of several bands.

Real are the two sensors of Rotterdam (panchromatic crops on a four-band composite of the same satellite
pass) and 17_orthority, whose surface model, shaded, serves as the map of real oblique photos. The hillshade
and the street map of the demo world are drawn from its own data.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import rasterio
from rasterio import features

from benchmarks.localization.cases import ATTITUDE, Case
from benchmarks.localization.modalities import JPEG_QUALITY, METHODS, grey
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.types import ByteImage, FloatArray, LonLat


def map_cases(work: Path, flight: Case) -> list[Case]:
    """A rendered flight on its satellite map, on the shading of the surface model, on a street map."""
    world = flight.clip.parent
    makers = {"satellite": None, "hillshade of the surface model": hillshade, "street map": street_map}
    found = []
    for kind, make in makers.items():
        path = flight.satellite
        if make is not None:
            path = work / f"{flight.name}_{make.__name__}.tif"
            if not path.exists():
                make(world, path)
        tags = {"modality": f"map: {kind}", "source": "demo world"}
        name = f"{flight.name}_on_{path.stem.removeprefix(flight.name + '_')}"
        found.append(
            replace(
                flight,
                name=name,
                group="modality",
                satellite=path,
                uses=(ATTITUDE,),
                methods=METHODS,
                tags=tags,
            )
        )
    return found


def hillshade(world: Path, target: Path) -> None:
    """Lambert shading of the surface model, sun in the north-west at 45 degrees."""
    with rasterio.open(world / "dsm.tif") as source:
        heights, transform, crs = source.read(1), source.transform, source.crs
    _write_map(target, shaded(heights, abs(transform.a)), transform, crs)


def shaded(heights_m: np.ndarray, cell_m: float) -> ByteImage:
    """Lambert shading of heights ``(H, W)`` as RGB; missing heights are black."""
    dy, dx = np.gradient(heights_m.astype(np.float32), cell_m)
    # Axes are east and south: the light comes from the north-west, 45 degrees high.
    lit = (1.0 + (dx + dy) / np.sqrt(2.0)) / np.sqrt(2.0 * (1.0 + dx**2 + dy**2))
    picture = np.where(np.isfinite(lit), 20.0 + 200.0 * np.clip(np.nan_to_num(lit), 0.0, 1.0), 0.0)
    return grey(picture)


def street_map(world: Path, target: Path) -> None:
    """Roads, buildings and areas in the flat colours of a street map, half a metre per pixel."""
    with rasterio.open(world / "satellite.tif") as source:
        shape, transform, crs = source.shape, source.transform, source.crs
    picture = np.full((*shape, 3), (242, 239, 233), dtype=np.uint8)
    for shapes, color in _map_layers(world / "truth.gpkg"):
        drawn = features.rasterize(shapes, out_shape=shape, transform=transform)
        picture[drawn > 0] = color
    _write_map(target, picture, transform, crs)


def _map_layers(truth: Path) -> list[tuple[list[object], tuple[int, int, int]]]:
    zones = pyogrio.read_dataframe(truth, layer="zones")
    roads = pyogrio.read_dataframe(truth, layer="roads")
    things = pyogrio.read_dataframe(truth, layer="occluders")
    widths = roads.geometry.buffer(roads["width_m"] / 2.0, cap_style="flat")

    def of(table: gpd.GeoDataFrame, *kinds: str) -> list[object]:
        return list(table.geometry[table["kind"].isin(kinds)])

    layers = [
        (of(zones, "field"), (238, 240, 213)),
        (of(zones, "park", "sports ground", "pitch"), (200, 230, 180)),
        (of(zones, "car park"), (222, 222, 222)),
        (list(widths), (255, 255, 255)),
        (of(zones, "bridge"), (255, 235, 190)),
        (of(things, "building"), (190, 175, 165)),
    ]
    return [(shapes, color) for shapes, color in layers if shapes]


def _write_map(path: Path, picture: ByteImage, transform: rasterio.Affine, crs: object) -> None:
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": crs, "transform": transform}
    height, width = picture.shape[:2]
    options = {"tiled": True, "compress": "DEFLATE", "photometric": "RGB"}
    with rasterio.open(path, "w", height=height, width=width, **profile, **options) as target:
        target.write(np.moveaxis(picture, 2, 0))


def composite_case(data: Path, work: Path, count: int = 12) -> Case | None:
    """Turned crops of a panchromatic band (0.5 m) on the four-band composite (1 m, 16 bits) of Rotterdam."""
    folder = data / "14_satellite_rasters" / "multispectral"
    pan, composite = (
        folder / "spacenet_rotterdam_pan1_0p5m.tif",
        folder / "spacenet_rotterdam_ms1_1m_4band.tif",
    )
    if not pan.exists():
        return None
    clip, width_m, truth, rows = work / "rotterdam_crops", 120.0, {}, []
    clip.mkdir(parents=True, exist_ok=True)
    with rasterio.open(pan) as source:
        band, transform, crs = source.read(1).astype(np.float32), source.transform, source.crs
    low, high = np.percentile(band[band > 0], [1, 99])
    picture = grey((band - low) / (high - low) * 255.0)
    rng = np.random.default_rng(14)
    for number in range(count):
        name, yaw_deg = f"crop_{number:02d}.jpg", float(rng.uniform(0.0, 360.0))
        center_px = rng.uniform(0.28, 0.72, 2) * picture.shape[1::-1]
        crop = _crop(picture, center_px, yaw_deg, width_m / abs(transform.a))
        cv2.imwrite(str(clip / name), crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        lon, lat = to_lonlat(np.array([transform * center_px]), _crs(crs))[0]
        truth[name] = LonLat(float(lon), float(lat))
        height_m = width_m / 2.0 / np.tan(np.radians(35.0))
        said = {"file": name, "yaw_deg": f"{yaw_deg:.1f}", "pitch_deg": "-90"}
        rows.append({**said, "alt_agl_m": f"{height_m:.1f}", "hfov_deg": "70"})
    telemetry = work / "rotterdam_crops.csv"
    _write_rows(telemetry, rows)
    tags = {"modality": "map: four bands, 16 bits (real)", "source": "14 Rotterdam"}
    return Case(
        "rotterdam_crops",
        "modality",
        clip,
        composite,
        truth,
        "1 m",
        telemetry,
        (ATTITUDE,),
        METHODS,
        tags,
    )


def _crop(picture: ByteImage, center_px: FloatArray, yaw_deg: float, width_px: float) -> ByteImage:
    """A turned 4:3 piece, image-up at azimuth ``yaw_deg``, 640 pixels wide."""
    scale, angle = width_px / 640.0, np.radians(yaw_deg)
    right = scale * np.array([np.cos(angle), np.sin(angle)])
    down = scale * np.array([-np.sin(angle), np.cos(angle)])
    corner = center_px - 0.5 - 320.0 * right - 240.0 * down
    matrix = np.stack([right, down, corner], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, (640, 480), flags=flags), dtype=np.uint8)


def _crs(crs: object) -> pyproj.CRS:
    """The same CRS for pyproj."""
    return pyproj.CRS.from_user_input(crs)


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def orthority_case(data: Path, work: Path) -> Case | None:
    """Four oblique photos on the shading of their surface model; there is no picture of the place."""
    folder = data / "17_orthority_pose_dsm"
    if not (folder / "dsm_0p8m.tif").exists():
        return None
    with rasterio.open(folder / "dsm_0p8m.tif") as source:
        heights, transform, crs = source.read(1), source.transform, source.crs
    path, rows, truth = work / "orthority_hillshade.tif", [], {}
    if not path.exists():
        _write_map(path, shaded(heights, abs(transform.a)), transform, crs)
    for x, y, z, omega, phi, _, name in _poses(folder / "xyz_opk.csv"):
        forward = _forward(omega, phi)
        ground = _meet(np.array([x, y, z]), forward, heights, transform)
        lon, lat = to_lonlat(ground[None, :2], _crs(crs))[0]
        truth[f"{name}.jpg"] = LonLat(float(lon), float(lat))
        yaw = np.degrees(np.arctan2(forward[0], forward[1])) % 360.0
        pitch = np.degrees(np.arcsin(forward[2]))
        said = {"file": f"{name}.jpg", "yaw_deg": f"{yaw:.1f}", "pitch_deg": f"{pitch:.1f}"}
        # Focal length over width is 0.666; height above the ground in the middle of the view.
        rows.append({**said, "alt_agl_m": f"{z - ground[2]:.1f}", "hfov_deg": "73.8"})
    telemetry = work / "orthority.csv"
    _write_rows(telemetry, rows)
    tags = {"modality": "map: hillshade, oblique (real)", "source": "17_orthority"}
    return Case(
        "17_orthority", "modality", folder, path, truth, "1-2 m", telemetry, (ATTITUDE,), METHODS, tags
    )


def _poses(path: Path) -> list[tuple[float, float, float, float, float, float, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    found = []
    for line in lines:
        name, *values = line.split("'")[1], *line.split("'")[2].split()
        found.append((*(float(value) for value in values[:6]), name))
    return found


def _forward(omega_deg: float, phi_deg: float) -> FloatArray:
    """Viewing direction of the photogrammetric angles: minus the third column of Rx(omega) Ry(phi)."""
    omega, phi = np.radians([omega_deg, phi_deg])
    return -np.array([np.sin(phi), -np.sin(omega) * np.cos(phi), np.cos(omega) * np.cos(phi)])


def _meet(
    camera: FloatArray, forward: FloatArray, heights: np.ndarray, transform: rasterio.Affine
) -> FloatArray:
    """Where a line of sight first meets the surface, in steps of a quarter of a metre."""
    for distance in np.arange(10.0, 600.0, 0.25):
        point = camera + distance * forward
        col, row = ~transform * tuple(point[:2])
        if 0 <= row < heights.shape[0] and 0 <= col < heights.shape[1]:
            level = heights[int(row), int(col)]
            if np.isfinite(level) and point[2] <= level:
                return point
    raise ValueError(f"the line of sight from {camera} does not meet the surface model")
