"""The command ``rs-copilot``. Options only: every command hands its parameters to a job of the registry."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rs_copilot import __version__, cli_evaluation
from rs_copilot.cli_ask import ask, correct, eval_links2bench
from rs_copilot.cli_look import look
from rs_copilot.cli_models import models_app
from rs_copilot.cli_objects import detect, ground, segment
from rs_copilot.cli_options import (
    TELEMETRY_HELP,
    AsJson,
    Device,
    Index,
    SceneOut,
    Seconds,
    Seed,
    Size,
    TelemetryFile,
    UseTelemetry,
    Weights,
    parse_prior,
    parse_scales,
)
from rs_copilot.cli_train import train_app
from rs_copilot.console import report_error, report_failure, run_job
from rs_copilot.errors import EXIT_USAGE, CancelledError, RsCopilotError, UsageError

app = typer.Typer(
    name="rs-copilot",
    help="Find where drone frames lie on a satellite raster, and draw what they show as map layers.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# Typer brings its own copy of click in newer versions; the base of its errors is reached by its public name.
_ClickError: Any = typer.BadParameter.__mro__[2]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    """Find where drone frames lie on a satellite raster, and draw what they show as map layers."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(EXIT_USAGE)


@app.command(epilog="Example: rs-copilot doctor --json")
def doctor(as_json: AsJson = False, device: Device = "auto") -> int:
    """Show versions, devices, and what is missing and how to get it."""
    return run_job("doctor", {}, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot demo --out demo")
def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the demo world and its scene.")],
    seed: Seed = None,
    seconds: Seconds = None,
    size: Size = None,
    use_telemetry: Annotated[UseTelemetry | None, typer.Option(help=TELEMETRY_HELP)] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Render the demo world and run the whole chain on it."""
    params = {
        "out": out,
        "seed": seed,
        "seconds": seconds,
        "size": size,
        "use_telemetry": None if use_telemetry is None else use_telemetry.value,
    }
    return run_job("demo", params, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot simulate --out world --seed 7 --seconds 20 --size 1280x720")
def simulate(
    *,
    out: Annotated[Path, typer.Option(help="Folder for satellite.tif, clip.mp4, clip.srt, truth.gpkg.")],
    seed: Seed = None,
    seconds: Seconds = None,
    size: Size = None,
    fps: Annotated[str | None, typer.Option(help="Frames per second, for example 10 or 30000/1001.")] = None,
    clip_season: Annotated[str | None, typer.Option(help="Season of the clip.")] = None,
    satellite_season: Annotated[str | None, typer.Option(help="Season of the satellite raster.")] = None,
    extent_m: Annotated[float | None, typer.Option(help="Side of the satellite raster in metres.")] = None,
    off_nadir: Annotated[
        float | None,
        typer.Option(help="Keep the camera this many degrees off nadir, 0 to 60; without it, it moves."),
    ] = None,
    questions: Annotated[
        int | None,
        typer.Option(metavar="N", help="Questions of each of twelve tasks in questions.json. Default: 3."),
    ] = None,
    wordings: Annotated[
        str | None,
        typer.Option(
            metavar="development|test|validation", help="Which wordings; test ones are for measuring."
        ),
    ] = None,
    pose_questions: Annotated[
        int | None,
        typer.Option(metavar="N", help="Questions of each task about the camera; pose-questions.json."),
    ] = None,
    cache: Annotated[bool, typer.Option(help="Reuse a world rendered before with these options.")] = True,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Render a world: a satellite raster and a UAV clip with exact truth."""
    params = {
        "out": out,
        "seed": seed,
        "seconds": seconds,
        "size": size,
        "fps": fps,
        "clip_season": clip_season,
        "satellite_season": satellite_season,
        "extent_m": extent_m,
        "off_nadir_deg": off_nadir,
        "questions": questions,
        "wordings": wordings,
        "pose_questions": pose_questions,
        "use_cache": cache,
    }
    return run_job("simulate", params, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot index map.tif --out map.index")
def index(
    rasters: Annotated[list[str], typer.Argument(metavar="RASTER...", help="One or several rasters.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the index.")],
    scales: Annotated[
        str | None,
        typer.Option(
            metavar="M,M,…", help="Ground sides of the tiles in metres; without it from the rasters."
        ),
    ] = None,
    stride: Annotated[
        float | None, typer.Option(help="Spacing of the tiles in sides, above 0 to 1. Default: half a side.")
    ] = None,
    weights: Weights = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Hand tiles to a Dask cluster: tcp://HOST:PORT, or local:N."),
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Embed satellite rasters into a gallery of tiles that photos can be looked up in."""
    params = {
        "rasters": rasters,
        "out": out,
        "scales_m": parse_scales(scales),
        "stride": stride,
        "weights": weights,
        "scheduler": scheduler,
    }
    return run_job("index", params, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot search map.index --image photo.jpg -k 10")
def search(
    index: Index,
    *,
    image: Annotated[
        Path, typer.Option(help="A photo; or a short video or folder that shows one place in several frames.")
    ],
    k: Annotated[int, typer.Option("-k", help="How many tiles.")] = 10,
    telemetry: TelemetryFile = None,
    width_m: Annotated[
        float | None, typer.Option(help="Ground width of the photo, looking straight down.")
    ] = None,
    heading_deg: Annotated[
        float | None, typer.Option(help="Direction of image-up, clockwise from north.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write the tiles into this scene, layer candidates.")
    ] = None,
    weights: Weights = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Rank the tiles of an index by how much they look like a photo seen from above."""
    params = {
        "index": index,
        "image": image,
        "k": k,
        "telemetry": telemetry,
        "width_m": width_m,
        "heading_deg": heading_deg,
        "out": out,
        "weights": weights,
    }
    return run_job("search", params, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot localize clip.mp4 --satellite map.tif --out scene.gpkg --every 0.5")
def localize(
    clip: Annotated[
        str, typer.Argument(metavar="CLIP", help="A video, an image, or a folder of images in name order.")
    ],
    *,
    satellite: Annotated[str, typer.Option(help="The satellite raster.")],
    out: SceneOut,
    telemetry: TelemetryFile = None,
    use_telemetry: Annotated[UseTelemetry, typer.Option(help=TELEMETRY_HELP)] = UseTelemetry.all,
    prior: Annotated[
        str | None, typer.Option(metavar="LON,LAT,RADIUS_M", help="Look only around this place.")
    ] = None,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time between sampled frames.")
    ] = None,
    dem: Annotated[str | None, typer.Option(help="Elevation raster, for relief-aware camera poses.")] = None,
    control: Annotated[
        Path | None,
        typer.Option(help="Control points: a CSV of file, frame or time_s, x_px, y_px, lon, lat."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="INDEX", help="What `rs-copilot index` made of the raster: tells where to look."
        ),
    ] = None,
    weights: Weights = None,
    matcher: Annotated[
        str | None,
        typer.Option(
            metavar="sift|FOLDER",
            help="Helps to register frames: SIFT, or a network of yours (config.json, model.safetensors).",
        ),
    ] = None,
    causal: Annotated[
        bool,
        typer.Option(
            "--causal",
            help="Place each frame by those before it, as it comes; CLIP may be a pipe or an address.",
        ),
    ] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Find where every sampled frame of a clip lies on a satellite raster."""
    params = {
        "clip": clip,
        "satellite": satellite,
        "out": out,
        "telemetry": telemetry,
        "use_telemetry": use_telemetry.value,
        "prior": parse_prior(prior),
        "every_s": every,
        "dem": dem,
        "control": control,
        "index": index,
        "weights": weights,
        "matcher": matcher,
        "causal": causal,
    }
    return run_job("localize", params, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot track scene.gpkg")
def track(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A scene that localize has made.")],
    *,
    clip: Annotated[str | None, typer.Option(help="Only this clip of the scene.")] = None,
    dem: Annotated[
        str | None,
        typer.Option(help="Elevation raster, to lay objects on the relief; without it the one of localize."),
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Find moving objects in the scene's clips, as detections and tracks on the ground."""
    return run_job("track", {"scene": scene, "clip": clip, "dem": dem}, as_json=as_json, device=device)


@app.command(epilog="Example: rs-copilot export scene.gpkg footprints footprints.shp")
def export(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A scene.")],
    layer: Annotated[
        str, typer.Argument(metavar="LAYER", help="One of its layers, for example frames or tracks.")
    ],
    out: Annotated[
        str,
        typer.Argument(metavar="OUT", help=".shp .gpkg .geojson .kml .fgb .parquet .csv, or postgresql://…"),
    ],
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Write one layer of a scene in another format."""
    return run_job("export", {"scene": scene, "layer": layer, "out": out}, as_json=as_json, device=device)


app.command(epilog="Example: rs-copilot detect ortho.tif --out scene.gpkg --region 10.1,48.1,10.2,48.2")(
    detect
)
app.command(epilog='Example: rs-copilot look ortho.tif "ships, cars" --task detect --model MODEL')(look)
app.command(epilog='Example: rs-copilot ground ortho.tif "the largest ship" --out scene.gpkg --model MODEL')(
    ground
)
app.command(epilog="Example: rs-copilot segment ortho.tif --model onnx:landcover.onnx --out scene.gpkg")(
    segment
)
app.command(
    epilog="Example: rs-copilot ask scene.gpkg 'When is the bridge first seen?' --layer zones=zones.gpkg"
)(ask)
app.command(
    epilog="Example: rs-copilot correct scene.gpkg --merge 'track 3, track 9' --relabel 'track 4=person'"
)(correct)

app.add_typer(models_app, name="models")

app.add_typer(train_app, name="train")

eval_app = typer.Typer(help="Measure results against known truth.", rich_markup_mode=None)
app.add_typer(eval_app, name="eval")


@eval_app.command(
    "retrieval",
    epilog="Example: rs-copilot eval retrieval map.index --clip photos --truth ground_truth.csv",
)
def eval_retrieval(
    index: Index,
    *,
    clip: Annotated[Path, typer.Option(help="A video, an image, or a folder of images.")],
    truth: Annotated[
        Path,
        typer.Option(help="CSV with file or frame, center_lon, center_lat; or a demo world's truth.gpkg."),
    ],
    telemetry: TelemetryFile = None,
    use_telemetry: Annotated[
        UseTelemetry, typer.Option(help="attitude or none; positions are never used.")
    ] = UseTelemetry.attitude,
    weights: Weights = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How often the right tile of an index is among the first."""
    params = {
        "index": index,
        "clip": clip,
        "truth": truth,
        "telemetry": telemetry,
        "use_telemetry": use_telemetry.value,
        "weights": weights,
    }
    return run_job("eval.retrieval", params, as_json=as_json, device=device)


@eval_app.command(
    "detection", epilog="Example: rs-copilot eval detection --predictions found.csv --truth labels.csv"
)
def eval_detection(
    *,
    predictions: Annotated[Path, typer.Option(help="CSV of boxes with scores, or a folder of DOTA results.")],
    truth: Annotated[Path, typer.Option(help="CSV of boxes, or a folder of DOTA labels.")],
    as_one: Annotated[bool, typer.Option("--as-one", help="Score all classes as one.")] = False,
    min_score: Annotated[float, typer.Option(help="Leave out detections below this score.")] = 0.0,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How well objects were found in pictures: mAP of oriented and horizontal boxes, F1."""
    params = {"predictions": predictions, "truth": truth, "as_one": as_one, "min_score": min_score}
    return run_job("eval.detection", params, as_json=as_json, device=device)


@eval_app.command(
    "calibration", epilog="Example: rs-copilot eval calibration scene.gpkg --truth cars.gpkg --out cars.json"
)
def eval_calibration(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A scene with detections of a raster.")],
    *,
    truth: Annotated[
        str, typer.Option(metavar="FILE", help="Labelled objects: polygons or points, with a field label.")
    ],
    out: Annotated[Path, typer.Option(help="Where the curves go, for detect --calibration.")],
    clip: Annotated[str | None, typer.Option(help="Only this raster of the scene, by its file name.")] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="LON1,LAT1,LON2,LAT2|FILE",
            help="Where all is labelled. Default: around the labels.",
        ),
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """What a detector's scores are worth on your imagery, as probabilities."""
    params = {"scene": scene, "truth": truth, "out": out, "clip": clip, "region": region}
    return run_job("eval.calibration", params, as_json=as_json, device=device)


cli_evaluation.add_commands(eval_app)
eval_app.command("links2bench", epilog="Example: rs-copilot eval links2bench world/questions.json")(
    eval_links2bench
)


@app.command(epilog="Example: ssh host rs-copilot worker")
def worker(
    as_json: Annotated[
        bool, typer.Option("--json", help="No effect: a worker always speaks its protocol.")
    ] = False,
    device: Device = "auto",
) -> int:
    """Serve the engine on standard input and output, for the plugin and for ssh."""
    del as_json
    from rs_copilot.worker.main import main as serve

    return serve(device)


def run(args: list[str]) -> int:
    """Parse the arguments, run the command, give the exit code."""
    try:
        return int(app(args, prog_name="rs-copilot", standalone_mode=False) or 0)
    except RsCopilotError as error:
        return report_error(error, as_json="--json" in args)
    except _ClickError as error:
        return report_error(UsageError(error.format_message()), as_json="--json" in args)
    except (typer.Abort, KeyboardInterrupt):
        return report_error(CancelledError("Stopped before the work began."), as_json="--json" in args)
    except Exception as error:  # noqa: BLE001  the border of the program
        return report_failure(error, as_json="--json" in args)


def main() -> None:
    """The entry point of the command ``rs-copilot``."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
