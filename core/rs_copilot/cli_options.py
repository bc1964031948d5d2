"""Options that several commands share, and the texts among them read as numbers."""

from __future__ import annotations

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
Index = Annotated[Path, typer.Argument(metavar="INDEX", help="A folder that `rs-copilot index` wrote.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda[:n]", help="Where to compute.")]


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
