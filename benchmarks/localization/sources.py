"""The real sources that have a raster of the place, and what each recorded about its flight.

*Attitude* is height, lens and, where the source recorded it, heading; never the position.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.localization.cases import ATTITUDE, NONE, Case
from rs_copilot.types import LonLat

Row = dict[str, str]


@dataclass(frozen=True)
class Source:
    """Where the files of one source are, relative to the folder of real imagery."""

    name: str
    clip: str
    satellite: str
    truth_accuracy: str
    telemetry: Callable[[Row], Row] | None = None
    wanted: Callable[[Row], bool] = lambda row: True


def _hfov_deg(row: Row) -> str:
    return f"{2 * np.degrees(np.arctan(float(row['width_px']) / 2 / float(row['focal_px']))):.2f}"


def _fengyuan(row: Row) -> Row:
    # 24 mm equivalent on the diagonal of a 4:3 sensor cropped to 16:9; the ground lies at about 260 m.
    return {
        "file": row["file"],
        "yaw_deg": row["heading_deg"],
        "pitch_deg": "-90",
        "alt_agl_m": f"{float(row['alt_msl_m']) - 260.0:.1f}",
        "hfov_deg": "71.6",
    }


def _ariel(row: Row) -> Row:
    # The views were rectified north-up by their author; nothing else about them is known.
    return {"file": row["file"], "yaw_deg": "0"}


def _brighton(row: Row) -> Row:
    return {
        "file": row["file"],
        "yaw_deg": row["exif_gimbal_yaw"],
        "pitch_deg": row["exif_gimbal_pitch"],
        "alt_agl_m": row["exif_rel_alt"],
        "hfov_deg": _hfov_deg(row),
    }


def _seneca(row: Row) -> Row:
    # A fixed-wing without recorded heading: height and lens only; the ground lies at about 218 m.
    height = f"{float(row['exif_alt_m']) - 218.0:.1f}"
    return {"file": row["file"], "alt_agl_m": height, "hfov_deg": _hfov_deg(row)}


SOURCES = (
    Source(
        "01_fengyuan",
        "01_fengyuan_uav_satellite/images",
        "01_fengyuan_uav_satellite/satellite.tif",
        "2-4 m",
        _fengyuan,
        lambda row: row["truth_quality"] != "gps_only",
    ),
    Source(
        "02_ariel",
        "02_ariel_uav_satellite/views",
        "02_ariel_uav_satellite/satellite.tif",
        "5 m",
        _ariel,
        lambda row: row["quality"] == "verified",
    ),
    Source("03_nust", "03_nust_video_ortho/flight.mp4", "03_nust_video_ortho/ortho_0p5m.tif", "1-3 m"),
    Source(
        "04_brighton",
        "04_brighton_beach_ortho/queries",
        "04_brighton_beach_ortho/orthomosaic.tif",
        "0.1-0.5 m",
        _brighton,
    ),
    Source(
        "05_seneca",
        "05_seneca_cir_ortho/queries",
        "05_seneca_cir_ortho/orthomosaic.tif",
        "0.1-0.5 m",
        _seneca,
    ),
)
FOREIGN = (
    ("01_fengyuan", "03_nust", (ATTITUDE, NONE)),
    ("03_nust", "01_fengyuan", (NONE,)),
    ("04_brighton", "01_fengyuan", (ATTITUDE, NONE)),
    ("05_seneca", "01_fengyuan", (NONE,)),
    ("02_ariel", "01_fengyuan", (NONE,)),
)


def real_cases(data: Path, work: Path) -> list[Case]:
    """One case per source; telemetry files are written into ``work``."""
    return [_case(data, work, source) for source in SOURCES if (data / source.satellite).exists()]


def foreign_cases(real: list[Case]) -> list[Case]:
    """Clips of one place on the map of another: every frame that is placed there is wrong."""
    by_name = {case.name: case for case in real}
    return [
        replace(
            by_name[clip],
            name=f"{clip}_on_{place}",
            group="foreign",
            satellite=by_name[place].satellite,
            truth=None,
            truth_accuracy="another place",
            uses=uses,
            methods=(),
        )
        for clip, place, uses in FOREIGN
        if clip in by_name and place in by_name
    ]


def with_few(case: Case, work: Path, count: int) -> Case:
    """A case of photos with only ``count`` of those that have truth, evenly spread; a video as it is."""
    if case.clip.is_file():
        return case
    names = sorted(case.truth or {})
    chosen = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    truth = {names[i]: case.truth[names[i]] for i in chosen} if case.truth else {}
    folder = work / f"{case.name}_{len(truth)}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in truth:
        if not (folder / name).exists():
            (folder / name).symlink_to((case.clip / name).resolve())
    return replace(case, clip=folder, truth=truth)


def _case(data: Path, work: Path, source: Source) -> Case:
    clip = data / source.clip
    with (clip.parent / "ground_truth.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = {
        row.get("file") or row["frame"]: LonLat(float(row["center_lon"]), float(row["center_lat"]))
        for row in rows
        if row["center_lat"] and source.wanted(row)
    }
    telemetry = None
    if source.telemetry is not None:
        telemetry = work / f"{source.name}.csv"
        _write(telemetry, [source.telemetry(row) for row in rows])
    return Case(
        source.name,
        "real",
        clip,
        data / source.satellite,
        truth,
        source.truth_accuracy,
        telemetry,
        uses=(NONE,) if telemetry is None else (ATTITUDE, NONE),
    )


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
