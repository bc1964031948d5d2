"""Commands that find objects and areas in rasters and clips."""

from __future__ import annotations

from typing import Annotated

import typer

from rs_copilot.cli_options import (
    Adapter,
    AsJson,
    Device,
    Family,
    Model,
    OtherGsd,
    PlaceOn,
    Precision,
    Region,
    SceneOut,
    Source,
    parse_names,
    parse_numbers,
    parse_scores,
)
from rs_copilot.console import run_job


def detect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A raster, or sheets of one grid as '*.tif'; a video, an image, a folder."
        ),
    ],
    *,
    out: SceneOut,
    detector: Annotated[
        str,
        typer.Option(metavar="NAME", help="vehicles-s (comes along), onnx:FILE, hf:FOLDER, vlm, or motion."),
    ] = "vehicles-s",
    classes: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Only these classes; for hf: the phrases to look for.")
    ] = None,
    satellite: PlaceOn = None,
    region: Region = None,
    min_score: Annotated[
        str | None,
        typer.Option(metavar="S|A=S,B=S", help="Lowest score, for all classes or for each."),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Scores become probabilities; from `rs-copilot eval calibration`."),
    ] = None,
    gsd: OtherGsd = None,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time between frames of a clip. Default: 0.2.")
    ] = None,
    dem: Annotated[str | None, typer.Option(help="Elevation raster, to lay objects on the relief.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not go on where a broken run of the same work stood.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Hand tiles to a Dask cluster: tcp://HOST:PORT, or local:N."),
    ] = None,
    model: Model = None,
    precision: Precision = None,
    adapter: Adapter = None,
    family: Family = None,
    max_mode: Annotated[
        bool, typer.Option("--max-mode", help="With vlm: show tiles enlarged; better for small objects.")
    ] = False,
    fuse: Annotated[
        bool, typer.Option("--fuse", help="With vlm: look at tiles as they are and enlarged; twice the time.")
    ] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Find objects in a raster or a clip, as polygons on the map."""
    score, thresholds = parse_scores(min_score)
    params = {
        "source": source,
        "out": out,
        "detector": detector,
        "classes": parse_names(classes),
        "satellite": satellite,
        "region": region,
        "min_score": score,
        "thresholds": thresholds,
        "calibration": calibration,
        "gsd_m": gsd,
        "every_s": every,
        "dem": dem,
        "resume": not fresh,
        "scheduler": scheduler,
        "model": model,
        "precision": precision,
        "adapter": adapter,
        "family": family,
        "max_mode": max_mode,
        "fuse": fuse,
    }
    return run_job("detect", params, as_json=as_json, device=device)


def ground(
    source: Source,
    phrase: Annotated[str, typer.Argument(metavar="PHRASE", help="What to find, in words.")],
    *,
    out: SceneOut,
    model: Model = None,
    precision: Precision = None,
    adapter: Adapter = None,
    family: Family = None,
    region: Region = None,
    time: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Of a clip: the placed frame nearest to this time."),
    ] = None,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time between frames of a clip. Default: 1.")
    ] = None,
    satellite: PlaceOn = None,
    dem: Annotated[str | None, typer.Option(help="Elevation raster, to lay boxes on the relief.")] = None,
    no_zoom: Annotated[
        bool, typer.Option("--no-zoom", help="Answer from the overview, without looking closer.")
    ] = False,
    max_px: Annotated[
        int | None, typer.Option(help="Pixels of a picture that the model may see. Default: 1016064.")
    ] = None,
    max_mode: Annotated[
        bool, typer.Option("--max-mode", help="Show small pictures enlarged: better for small objects.")
    ] = False,
    max_tokens: Annotated[int | None, typer.Option(help="Length of an answer. Default: 1024.")] = None,
    read_all: Annotated[
        bool,
        typer.Option(
            "--read-all",
            help="Read a raster without overviews through for the first look, as long as it takes.",
        ),
    ] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Find what a phrase describes; in a huge raster the model looks closer before it answers."""
    params = {
        "source": source,
        "phrase": phrase,
        "out": out,
        "model": model,
        "precision": precision,
        "adapter": adapter,
        "family": family,
        "region": region,
        "time_s": time,
        "every_s": every,
        "satellite": satellite,
        "dem": dem,
        "zoom": not no_zoom,
        "max_px": max_px,
        "max_mode": max_mode,
        "max_tokens": max_tokens,
        "read_all": read_all,
    }
    return run_job("ground", params, as_json=as_json, device=device)


def segment(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A raster, or sheets of one grid as '*.tif'.")
    ],
    *,
    model: Annotated[
        str,
        typer.Option(metavar="onnx:FILE|sam:FOLDER", help="A network for the whole raster, or for a click."),
    ],
    out: SceneOut,
    classes: Annotated[str | None, typer.Option(metavar="A,B,…", help="Only these classes.")] = None,
    region: Region = None,
    gsd: OtherGsd = None,
    min_area: Annotated[
        float | None,
        typer.Option(metavar="M2", help="Leave out smaller areas and holes. Default: what the model says."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="LON,LAT", help="With sam: a point on the object; may be given several times."),
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option(metavar="LON,LAT", help="With sam: a point that is not on it.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(metavar="LON1,LAT1,LON2,LAT2", help="With sam: a box around the object.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="With sam: what the object is.")] = None,
    simplify: Annotated[
        float | None,
        typer.Option(metavar="PX", help="How far outlines may leave the pixels' edges. Default: 1."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not go on where a broken run of the same work stood.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Hand tiles to a Dask cluster: tcp://HOST:PORT, or local:N."),
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Divide a raster into areas of one class each, or outline what is clicked on, as polygons on the map."""
    params = {
        "source": source,
        "out": out,
        "model": model,
        "classes": parse_names(classes),
        "region": region,
        "gsd_m": gsd,
        "min_area_m2": min_area,
        "points": None if not point else [parse_numbers(text, 2, "--point") for text in point],
        "beside": None if not beside else [parse_numbers(text, 2, "--beside") for text in beside],
        "box": None if box is None else parse_numbers(box, 4, "--box"),
        "label": label,
        "simplify_px": simplify,
        "resume": not fresh,
        "scheduler": scheduler,
    }
    return run_job("segment", params, as_json=as_json, device=device)
