"""The rasters of the gallery: places that are asked for, and others to be confused with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rs_copilot.jobs import simulate
from rs_copilot.jobs.context import JobContext

# Worlds that nothing was tuned or trained on; training worlds have seeds from 1000 on.
SEEDS = (11, 12, 21, 22)
ASKED = {
    "01_fengyuan": "01_fengyuan_uav_satellite/satellite.tif",
    "03_nust": "03_nust_video_ortho/ortho_0p5m.tif",
    "04_brighton": "04_brighton_beach_ortho/orthomosaic.tif",
    "05_seneca": "05_seneca_cir_ortho/orthomosaic.tif",
}
# Rasters of one place in several years count once: a second one would hold the same ground.
DISTRACTORS = (
    "02_ariel_uav_satellite/satellite.tif",
    "14_satellite_rasters/naip_north_dakota/naip_2016_rgb.tif",
    "14_satellite_rasters/south_africa_aerial_s2/ngi_aerial_1_5m.tif",
    "14_satellite_rasters/multispectral/spacenet_rotterdam_pan1_0p5m.tif",
    "14_satellite_rasters/uav_orthos/berkeley_samgeo_1p2m.tif",
    "14_satellite_rasters/uav_orthos/oam_brazil_0p1m.tif",
    "14_satellite_rasters/uav_orthos/pix4d_fields_0p35m.tif",
    *(
        f"14_satellite_rasters/wildnav_finland_google/sat_map_{number:02d}.tif"
        for number in (0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14)
    ),
)


@dataclass(frozen=True)
class Place:
    """A raster of the gallery; ``world`` is the folder of a rendered one."""

    name: str
    raster: Path
    world: Path | None = None


def all_places(data: Path | None, work: Path, seeds: tuple[int, ...] = SEEDS) -> list[Place]:
    """Rendered worlds first, then what real imagery there is."""
    found = [_world(work, seed) for seed in seeds]
    if data is not None:
        found += [Place(name, data / path) for name, path in ASKED.items()]
        found += [Place(Path(path).stem, data / path) for path in DISTRACTORS]
    return [place for place in found if place.raster.is_file()]


def _world(work: Path, seed: int) -> Place:
    """A world with a clip of one minute of which every other second is kept: nadir and up to 42° off it."""
    folder = work / "worlds" / str(seed)
    if not (folder / "truth.gpkg").is_file():
        print(f"rendering the world of seed {seed}", flush=True)
        simulate.run(
            simulate.SimulateParams(out=folder, seed=seed, seconds=60.0, size="640x360", fps="0.5"),
            JobContext(),
        )
    return Place(f"world_{seed}", folder / "satellite.tif", folder)
