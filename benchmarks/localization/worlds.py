"""Rendered cases: unseen towns by tilt, by season and by the size of the map.

Seeds below 100 belong to the demo and to development, from 1000 on to training; these are neither.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import rasterio

from benchmarks.localization.cases import ATTITUDE, NONE, Case
from rs_copilot.jobs import simulate
from rs_copilot.jobs.context import JobContext
from rs_copilot.types import LonLat

SEEDS = (101, 102)
TILTS_DEG = (0, 30, 45, 60)
SEASONS = (("summer", "summer"), ("summer", "autumn"), ("autumn", "summer"))
SEASON_TILT_DEG = 30
FILLER_SEEDS = (201, 202, 203, 204, 205, 206)
TILE_M = 600.0
GSD_M = 0.5
AREAS_KM2 = (1, 4, 25)


def tilt_cases(work: Path, seeds: tuple[int, ...] = SEEDS, tilts: tuple[int, ...] = TILTS_DEG) -> list[Case]:
    """Flights at a constant angle off nadir; map and clip of different seasons.

    The simpler methods run on the first town only: hundreds of views per picture take their time.
    """
    return [
        replace(
            _case(work, f"town{seed}_{tilt}deg", "tilt", _params(seed, tilt), {"tilt": str(tilt)}),
            methods=None if seed == seeds[0] else (),
        )
        for tilt in tilts
        for seed in seeds
    ]


def season_cases(work: Path) -> list[Case]:
    """The same flight with every pair of seasons."""
    return [
        replace(
            _case(
                work,
                f"town{SEEDS[0]}_{clip}_on_{satellite}",
                "season",
                _params(SEEDS[0], SEASON_TILT_DEG, clip_season=clip, satellite_season=satellite),
                {"season": f"{clip} clip, {satellite} map"},
            ),
            methods=(),
        )
        for clip, satellite in SEASONS
    ]


def foreign_cases(work: Path, tilt: int = 0) -> list[Case]:
    """The clip of one town on the map of another, both ways."""
    first, second = tilt_cases(work, tilts=(tilt,))
    return [
        Case(
            f"{clip.name}_on_{place.name.split('_')[0]}",
            "foreign",
            clip.clip,
            place.satellite,
            None,
            "another place",
            methods=(),
        )
        for clip, place in ((first, second), (second, first))
    ]


def area_cases(work: Path, areas_km2: tuple[int, ...] = AREAS_KM2) -> list[Case]:
    """One flight on maps of growing size: its own town among others that are patched together."""
    flight = tilt_cases(work, SEEDS[:1], (0,))[0]
    return [
        Case(
            f"{flight.name}_in_{area}km2",
            "area",
            flight.clip,
            _quilt(work, flight.satellite, area),
            flight.truth,
            flight.truth_accuracy,
            uses=(ATTITUDE, NONE),
            methods=("double-angle",) if area <= 4 else (),
            tags={"area_km2": str(area)},
        )
        for area in areas_km2
    ]


def _params(seed: int, tilt: int, **more: str) -> simulate.SimulateParams:
    values = {"seed": seed, "seconds": 6.0, "size": "640x360", "fps": "5", "extent_m": TILE_M}
    return simulate.SimulateParams(out=Path(), off_nadir_deg=tilt, **values, **more)


def _case(work: Path, name: str, group: str, params: simulate.SimulateParams, tags: dict[str, str]) -> Case:
    folder = work / name
    if not (folder / "truth.gpkg").exists():
        print(f"rendering {name}", flush=True)
        simulate.run(params.model_copy(update={"out": folder}), JobContext())
    table = pyogrio.read_dataframe(folder / "truth.gpkg", layer="frames", read_geometry=False)
    truth = {
        str(frame): LonLat(lon, lat)
        for frame, lon, lat in zip(table["frame"], table["lon"], table["lat"], strict=True)
    }
    return Case(name, group, folder / "clip.mp4", folder / "satellite.tif", truth, "exact", tags=tags)


def _quilt(work: Path, town: Path, area_km2: int) -> Path:
    """A map of ``area_km2`` with the town once, whole, about the middle, and other towns all around."""
    path = work / f"quilt_{area_km2}km2.tif"
    if path.exists():
        return path
    with rasterio.open(town) as source:
        own, profile, transform = source.read(), source.profile, source.transform
    tile, side = own.shape[1], round(np.sqrt(area_km2) * 1000.0 / GSD_M)
    count = -(-side // tile)
    picture = np.empty((3, count * tile, count * tile), dtype=np.uint8)
    fillers, rng = _fillers(work), np.random.default_rng(area_km2)
    home = (count - 1) // 2
    for row in range(count):
        for col in range(count):
            piece = own if (row, col) == (home, home) else _turned(fillers[rng.integers(len(fillers))], rng)
            picture[:, row * tile : (row + 1) * tile, col * tile : (col + 1) * tile] = piece
    corner = transform * (-home * tile, -home * tile)
    profile.update(
        width=side,
        height=side,
        transform=rasterio.Affine(GSD_M, 0, corner[0], 0, -GSD_M, corner[1]),
        compress="JPEG",
        photometric="YCBCR",
        predictor=1,
    )
    with rasterio.open(path, "w", **profile) as target:
        target.write(picture[:, :side, :side])
    return path


def _fillers(work: Path) -> list[np.ndarray]:
    """Satellite images of other towns, ``(3, N, N)``, rendered without a flight."""
    from rs_copilot.simulation.satellite import satellite_image
    from rs_copilot.simulation.scenario import make_scenario

    pictures = []
    for seed in FILLER_SEEDS:
        path = work / f"filler_{seed}.npy"
        if not path.exists():
            print(f"rendering the map of town {seed}", flush=True)
            settings = simulate.settings_of(_params(seed, 0))
            np.save(path, np.moveaxis(satellite_image(make_scenario(settings)), 2, 0))
        pictures.append(np.load(path))
    return pictures


def _turned(piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    turned = np.rot90(piece, int(rng.integers(4)), axes=(1, 2))
    return turned[:, :, ::-1] if rng.integers(2) else turned
