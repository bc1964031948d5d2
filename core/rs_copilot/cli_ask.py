"""The command that answers questions about a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_copilot.cli_options import AsJson, Device, parse_numbers
from rs_copilot.console import run_job
from rs_copilot.errors import UsageError


def ask(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A scene with a located clip.")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In English, in quotation marks.")],
    *,
    clip: Annotated[str | None, typer.Option(help="Name of the clip, where the scene has several.")] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="A vector layer of yours: zones=…, roads=…, occluders=…, places=… or any name.",
        ),
    ] = None,
    choice: Annotated[
        list[str] | None, typer.Option(metavar="A=TEXT", help="One of several answers to choose from.")
    ] = None,
    mark: Annotated[
        list[str] | None, typer.Option(metavar="NAME=LON,LAT", help="A point that the question names.")
    ] = None,
    image_region: Annotated[
        str | None,
        typer.Option(metavar="LON1,LAT1,LON2,LAT2", help='An area that the question calls "the region".'),
    ] = None,
    vlm: Annotated[
        str, typer.Option(metavar="ID|URL|none", help="A model that helps to understand.")
    ] = "none",
    no_keep: Annotated[
        bool, typer.Option("--no-keep", help="Do not write the answer into the scene.")
    ] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Answer a question about a scene with evidence, or say why there is no answer."""
    marks = [
        {"name": name, "geometry": {"type": "Point", "coordinates": parse_numbers(text, 2, "--mark")}}
        for name, text in (_pair(item, "--mark") for item in mark or ())
    ]
    params = {
        "scene": scene,
        "question": question,
        "clip": clip,
        "layers": dict(_pair(item, "--layer") for item in layer or ()),
        "choices": dict(_pair(item, "--choice") for item in choice or ()),
        "marks": marks,
        "image_region": None if image_region is None else parse_numbers(image_region, 4, "--image-region"),
        "vlm": vlm,
        "keep": not no_keep,
    }
    return run_job("ask", params, as_json=as_json, device=device)


def eval_links2bench(
    questions: Annotated[
        list[Path], typer.Argument(metavar="QUESTIONS…", help="Files like questions.json of `simulate`.")
    ],
    *,
    scene: Annotated[str, typer.Option(metavar="NAME", help="The scene beside each file.")] = "scene.gpkg",
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Place every frame exactly, from the truth beside the file.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write every answer, one JSON line each.")] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How well questions of the twelve tasks of LinkS2Bench are answered, and left without an answer."""
    params = {
        "questions": questions,
        "scene": scene,
        "localization": "oracle" if oracle else "own",
        "out": out,
    }
    return run_job("eval.links2bench", params, as_json=as_json, device=device)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise UsageError(f"{option} expects NAME=VALUE, found {text!r}")
    return name.strip(), value.strip()
