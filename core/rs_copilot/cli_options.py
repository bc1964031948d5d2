"""Options that several commands share, and the texts among them read as numbers."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rs_copilot.errors import UsageError

AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")
]
Seed = Annotated[int | None, typer.Option(help="Same seed, same world.")]
Seconds = Annotated[float | None, typer.Option(help="Length of the clip.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="Size of the clip in pixels.")]
Weights = Annotated[
    Path | None, typer.Option(help="Another retrieval network: an ONNX file with its card beside it.")
]
TELEMETRY_HELP = "attitude: not the position; none: pixels alone."
TelemetryFile = Annotated[
    Path | None, typer.Option(help="Telemetry file, where it does not lie beside the clip or photo.")
]
Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A raster of any size; or a video, an image, a folder.")
]
SceneOut = Annotated[str, typer.Option(help="The scene: a GeoPackage, made where it does not exist.")]
Region = Annotated[
    str | None,
    typer.Option(metavar="LON1,LAT1,LON2,LAT2|FILE", help="Look only here, or in the polygons of a file."),
]
PlaceOn = Annotated[
    str | None,
    typer.Option(help="Place the clip on this raster first, where the scene does not have it."),
]
OtherGsd = Annotated[
    float | None, typer.Option(help="Look at this ground sampling distance in metres, not the model's.")
]
Index = Annotated[Path, typer.Argument(metavar="INDEX", help="A folder that `rs-copilot index` wrote.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda[:n]", help="Where to compute.")]

Model = Annotated[
    str | None,
    typer.Option(
        metavar="ID|FOLDER|URL",
        help="Of `rs-copilot models list`, a folder, or http://HOST/v1#MODEL. Default: the best one here.",
    ),
]
Vlm = Annotated[
    str,
    typer.Option(
        metavar="ID|FOLDER|URL|none",
        help="A model that plans the answer, and looks at pictures; named as for `look --model`.",
    ),
]
Precision = Annotated[
    str | None, typer.Option(metavar="auto|nf4|int8|bf16|fp32", help="How exactly it computes.")
]
Adapter = Annotated[str | None, typer.Option(metavar="FOLDER", help="A LoRA adapter for the model.")]
Family = Annotated[
    str | None,
    typer.Option(
        metavar="rscovlm|qwen2.5-vl|qwen3-vl", help="For models of a server whose name does not tell."
    ),
]


class UseTelemetry(str, Enum):
    """How much of the telemetry may be used."""

    all = "all"
    attitude = "attitude"
    none = "none"


def parse_scales(text: str | None) -> list[float] | None:
    """``M,M,…`` as numbers.

    Raises:
        UsageError: not positive numbers.
    """
    if text is None:
        return None
    try:
        scales = [float(word) for word in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--scales: expected metres separated by commas, found {text!r}.") from error
    if not all(0.0 < scale < 1e6 for scale in scales):
        raise UsageError(f"--scales: expected metres above 0, found {text!r}.")
    return scales


def parse_prior(text: str | None) -> tuple[float, float, float] | None:
    """``LON,LAT,RADIUS_M`` as numbers.

    Raises:
        UsageError: not three numbers, or out of range.
    """
    if text is None:
        return None
    try:
        lon_deg, lat_deg, radius_m = (float(word) for word in text.split(","))
    except ValueError as error:
        raise UsageError(f"--prior: expected LON,LAT,RADIUS_M, found {text!r}.") from error
    if not (abs(lon_deg) <= 180 and abs(lat_deg) <= 90 and radius_m > 0):
        raise UsageError(
            f"--prior: expected a longitude, a latitude in degrees and a radius above 0, found {text!r}."
        )
    return lon_deg, lat_deg, radius_m


def parse_names(text: str | None) -> list[str] | None:
    """``A,B,…`` as names without surrounding blanks."""
    return None if text is None else [name for word in text.split(",") if (name := word.strip())]


def parse_scores(text: str | None) -> tuple[float | None, dict[str, float] | None]:
    """``S`` as one score, or ``A=S,B=S`` as a score for each class.

    Raises:
        UsageError: neither, or not from 0 to 1.
    """
    if text is None:
        return None, None
    try:
        if "=" not in text:
            scores = {"": float(text)}
        else:
            pairs = (word.rpartition("=") for word in text.split(","))
            scores = {name.strip(): float(score) for name, _, score in pairs}
    except ValueError as error:
        raise UsageError(f"--min-score: expected S or A=S,B=S, found {text!r}.") from error
    if not all(0.0 <= score <= 1.0 for score in scores.values()):
        raise UsageError(f"--min-score: expected scores from 0 to 1, found {text!r}.")
    return (scores[""], None) if "=" not in text else (None, scores)


def parse_numbers(text: str, count: int, option: str) -> list[float]:
    """``N,N,…`` as so many finite numbers.

    Raises:
        UsageError: something else.
    """
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{option}: expected {count} numbers, found {text!r}.") from error
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise UsageError(f"{option}: expected {count} numbers, found {text!r}.")
    return numbers
