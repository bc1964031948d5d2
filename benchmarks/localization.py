"""Where do real photos and clips end up? Every source with a raster, with attitude and with pixels alone.

    python benchmarks/localization.py [--data DIR] [--only NAME,...] [--markdown FILE]

``--data`` is the folder of real imagery (default: RS_COPILOT_DATA). Each source has its own truth and its
own accuracy of truth, given in the table. The foreign rows ask for one place on the map of another: every
frame that is placed there is a confident error.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyproj

from rs_copilot.evaluation.localization import score_placements
from rs_copilot.geo.crs import from_lonlat
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localize import LocalizeParams, run
from rs_copilot.types import FloatArray, FrameStatus, LonLat
from rs_copilot.vector.placements import read_placements

Row = dict[str, str]


@dataclass(frozen=True)
class Source:
    """One clip or folder with its raster, truth, and telemetry made from what the source recorded."""

    name: str
    clip: str
    satellite: str
    truth_m: str
    telemetry: Callable[[Row], Row] | None
    wanted: Callable[[Row], bool] = lambda row: True


def _fengyuan(row: Row) -> Row:
    # 24 mm equivalent on the diagonal of a 4:3 sensor cropped to 16:9; the ground lies at about 260 m.
    agl = f"{float(row['alt_msl_m']) - 260.0:.1f}"
    return {
        "file": row["file"],
        "yaw_deg": row["heading_deg"],
        "pitch_deg": "-90",
        "alt_agl_m": agl,
        "hfov_deg": "71.6",
    }


def _brighton(row: Row) -> Row:
    hfov = 2 * np.degrees(np.arctan(float(row["width_px"]) / 2 / float(row["focal_px"])))
    return {
        "file": row["file"],
        "yaw_deg": row["exif_gimbal_yaw"],
        "pitch_deg": row["exif_gimbal_pitch"],
        "alt_agl_m": row["exif_rel_alt"],
        "hfov_deg": f"{hfov:.2f}",
    }


def _seneca(row: Row) -> Row:
    # A fixed-wing without recorded heading: height and lens only; the ground lies at about 218 m.
    hfov = 2 * np.degrees(np.arctan(float(row["width_px"]) / 2 / float(row["focal_px"])))
    return {
        "file": row["file"],
        "alt_agl_m": f"{float(row['exif_alt_m']) - 218.0:.1f}",
        "hfov_deg": f"{hfov:.2f}",
    }


def _ariel(row: Row) -> Row:
    # The views were rectified north-up by their author; nothing else about them is known.
    return {"file": row["file"], "yaw_deg": "0"}


SOURCES = (
    Source(
        "01_fengyuan (photos, satellite)",
        "01_fengyuan_uav_satellite/images",
        "01_fengyuan_uav_satellite/satellite.tif",
        "2-4 m",
        _fengyuan,
        lambda row: row["truth_quality"] != "gps_only",
    ),
    Source(
        "02_ariel (rectified views, satellite)",
        "02_ariel_uav_satellite/views",
        "02_ariel_uav_satellite/satellite.tif",
        "5 m",
        _ariel,
        lambda row: row["quality"] == "verified",
    ),
    Source(
        "03_nust (video, orthophoto)",
        "03_nust_video_ortho/flight.mp4",
        "03_nust_video_ortho/ortho_0p5m.tif",
        "1-3 m",
        None,
    ),
    Source(
        "04_brighton (photos, mosaic)",
        "04_brighton_beach_ortho/queries",
        "04_brighton_beach_ortho/orthomosaic.tif",
        "0.1-0.5 m",
        _brighton,
    ),
    Source(
        "05_seneca (near-infrared photos, mosaic)",
        "05_seneca_cir_ortho/queries",
        "05_seneca_cir_ortho/orthomosaic.tif",
        "0.1-0.5 m",
        _seneca,
    ),
)
FOREIGN = (
    ("01_fengyuan on the map of 03_nust", 0, 2),
    ("03_nust on the map of 01_fengyuan", 2, 0),
    ("04_brighton on the map of 01_fengyuan", 3, 0),
    ("05_seneca on the map of 01_fengyuan", 4, 0),
)
HEADER = (
    "source",
    "telemetry",
    "frames",
    "placed",
    "median m",
    "p90 m",
    "within 10 m",
    "inside error_m",
    "located > 50 m off",
    "s per frame",
    "truth",
)


def main() -> None:
    """Run the sources that are wanted and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("RS_COPILOT_DATA"))
    parser.add_argument("--only", default="", help="beginnings of names, separated by commas")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    args = parser.parse_args()
    if args.data is None or not Path(args.data).is_dir():
        parser.error("give the folder of real imagery with --data or RS_COPILOT_DATA")
    lines = [_line(HEADER), _line(["---"] * len(HEADER))]
    for cells in _rows(Path(args.data), tuple(filter(None, args.only.split(",")))):
        lines.append(_line(cells))
        print(lines[-1], flush=True)
    if args.markdown:
        args.markdown.write_text("\n".join([_provenance(), "", *lines, ""]), encoding="utf-8")


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _provenance() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"{date.today()}, commit {commit}, {platform.machine()}, {os.cpu_count()} cores, no GPU."


def _rows(data: Path, only: tuple[str, ...]) -> Iterator[list[str]]:
    for source in SOURCES:
        if not only or source.name.startswith(only):
            if source.telemetry is not None:
                yield _evaluate(data, source, source, "attitude")
            yield _evaluate(data, source, source, "none")
    for name, clip, place in FOREIGN:
        if not only or "foreign".startswith(only):
            yield [name, *_evaluate(data, SOURCES[clip], SOURCES[place], "none")[1:]]


def _evaluate(data: Path, source: Source, place: Source, use: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        scene, clip = Path(folder) / "scene.gpkg", data / source.clip
        rows = list(csv.DictReader((clip.parent / "ground_truth.csv").open(encoding="utf-8")))
        telemetry = _write_telemetry(Path(folder), source, rows) if use != "none" else None
        result = run(
            LocalizeParams(
                clip=clip,
                satellite=str(data / place.satellite),
                out=scene,
                telemetry=telemetry,
                use_telemetry=use,
            ),
            JobContext(),
        )
        found = read_placements(scene, result.clip)
    per_frame = f"{result.seconds / max(result.frames, 1):.2f}"
    head = [source.name, use, str(result.frames)]
    placements = list(found.placements)
    if source is not place:
        located = [p for p in placements if p.status is not FrameStatus.UNLOCATED]
        wrong = f"{len(located) / max(len(placements), 1):.0%}"
        return [*head, wrong, "-", "-", "-", "-", wrong, per_frame, "another place"]
    truth = _truth(rows, source, placements, found.metric_crs)
    score = score_placements(placements, truth)
    near = np.array([_error(p, truth) <= 10.0 for p in placements if p.frame in truth])
    return [
        head[0],
        use,
        str(score.frames),
        f"{score.placed_share:.0%}",
        f"{score.median_error_m:.2f}",
        f"{score.p90_error_m:.2f}",
        f"{near.mean():.0%}",
        f"{score.inside_error_share:.0%}",
        f"{score.wrong_located_share:.0%}",
        per_frame,
        source.truth_m,
    ]


def _error(placement: object, truth: dict[int, FloatArray]) -> float:
    from rs_copilot.vector.build import center_xy

    center = center_xy(placement)
    return float("inf") if center is None else float(np.linalg.norm(center - truth[placement.frame]))


def _write_telemetry(folder: Path, source: Source, rows: list[Row]) -> Path:
    assert source.telemetry is not None
    told = [source.telemetry(row) for row in rows]
    path = folder / "telemetry.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(told[0]))
        writer.writeheader()
        writer.writerows(told)
    return path


def _truth(rows: list[Row], source: Source, placements: list, crs: pyproj.CRS) -> dict[int, FloatArray]:
    frame_of = {p.file: p.frame for p in placements if p.file}
    truth: dict[int, FloatArray] = {}
    for row in rows:
        if not source.wanted(row) or not row["center_lat"]:
            continue
        frame = int(row["frame"]) if "frame" in row and "file" not in row else frame_of.get(row["file"])
        if frame is not None:
            truth[frame] = from_lonlat(LonLat(float(row["center_lon"]), float(row["center_lat"])), crs)
    return truth


if __name__ == "__main__":
    main()
