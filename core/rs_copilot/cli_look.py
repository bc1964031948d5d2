"""Commands that ask a vision-language model."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from rs_copilot.cli_options import (
    Adapter,
    AsJson,
    Device,
    Family,
    Model,
    Precision,
    Source,
    parse_names,
    parse_numbers,
)
from rs_copilot.console import run_job


class LookTask(str, Enum):
    """What is wanted."""

    ask = "ask"
    caption = "caption"
    classify = "classify"
    choose = "choose"
    ground = "ground"
    describe = "describe"
    detect = "detect"
    compare = "compare"
    clip = "clip"
    chat = "chat"


class KeepLayer(str, Enum):
    """Where objects are kept."""

    groundings = "groundings"
    detections = "detections"


Extent = Annotated[
    str | None,
    typer.Option(metavar="X1,Y1,X2,Y2", help="The part to look at: degrees, or pixels of a clip or image."),
]
Described = Annotated[
    str | None,
    typer.Option(metavar="X1,Y1,X2,Y2", help="With describe: what shall be described; as --extent."),
]
Time = Annotated[float | None, typer.Option(metavar="SECONDS", help="Time in a video. Default: 0.")]
Until = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="With clip: the last frame. Default: the end.")
]
Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="SOURCE", help="With compare: another picture; may be given several times."
    ),
]


def look(
    source: Source,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A question, or what to look for.")] = "",
    *,
    task: Annotated[
        LookTask | None, typer.Option(help="What is wanted. Default: ask, or caption without a text.")
    ] = None,
    model: Model = None,
    precision: Precision = None,
    adapter: Adapter = None,
    family: Family = None,
    extent: Extent = None,
    box: Described = None,
    time: Time = None,
    until: Until = None,
    frames: Annotated[int | None, typer.Option(help="With clip: how many frames. Default: 8.")] = None,
    beside: Beside = None,
    classes: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="With detect and classify; or give them as TEXT.")
    ] = None,
    choice: Annotated[
        list[str] | None, typer.Option(help="With choose: an answer to choose; given once for each.")
    ] = None,
    max_px: Annotated[
        int | None, typer.Option(help="Pixels that the model may see. Default: 1016064.")
    ] = None,
    max_mode: Annotated[
        bool, typer.Option("--max-mode", help="Show small pictures enlarged: better for small objects.")
    ] = False,
    zoom: Annotated[
        bool, typer.Option("--zoom", help="Let the model look closer before it answers.")
    ] = False,
    max_tokens: Annotated[int | None, typer.Option(help="Length of the answer. Default: 1024.")] = None,
    scene: Annotated[str | None, typer.Option(help="The scene that knows where frames lie.")] = None,
    out: Annotated[
        str | None, typer.Option(help="Keep what lies on the map: a scene, made where it does not exist.")
    ] = None,
    layer: Annotated[KeepLayer | None, typer.Option(help="Layer for --out. Default: groundings.")] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Ask a vision-language model about a picture; what it finds lies on the map."""
    shown = {
        "path": source,
        "extent": None if extent is None else parse_numbers(extent, 4, "--extent"),
        "quad": None if box is None else _corners(parse_numbers(box, 4, "--box")),
        "time_s": time,
        "until_s": until,
        "frames": frames,
        "more": None if not beside else [{"path": path, "time_s": time} for path in beside],
    }
    turn = {
        "source": _given(shown),
        "task": (task or (LookTask.ask if text else LookTask.caption)).value,
        "text": text,
        "classes": parse_names(classes),
        "choices": choice,
    }
    params = {
        "turns": [_given(turn)],
        "model": model,
        "precision": precision,
        "adapter": adapter,
        "family": family,
        "max_px": max_px,
        "max_mode": max_mode,
        "zoom": zoom,
        "max_tokens": max_tokens,
        "scene": scene,
        "out": out,
        "layer": None if layer is None else layer.value,
    }
    return run_job("look", params, as_json=as_json, device=device, is_spoken=True)


def _given(params: dict[str, Any]) -> dict[str, Any]:
    """Without what was not given."""
    return {name: value for name, value in params.items() if value is not None}


def _corners(box: list[float]) -> list[tuple[float, float]]:
    x1, y1, x2, y2 = box
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
