"""The commands that answer questions about a scene, and correct what it remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_copilot.cli_options import Adapter, AsJson, Device, Family, Precision, Vlm, parse_numbers
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
    vlm: Vlm = "none",
    precision: Precision = None,
    adapter: Adapter = None,
    family: Family = None,
    satellite: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The map that the model sees; by default that of `localize`."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The map's index, to look up frames without a place; default: localize's."
        ),
    ] = None,
    prior: Annotated[
        str, typer.Option(metavar="auto|none", help="Whether anything is looked up in the index.")
    ] = "auto",
    sentence: Annotated[
        bool, typer.Option("--sentence", help="Let the model put the answer into a sentence.")
    ] = False,
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
        "precision": precision,
        "adapter": adapter,
        "family": family,
        "satellite": satellite,
        "index": index,
        "prior": prior,
        "sentence": sentence,
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
    failures: Annotated[
        bool,
        typer.Option("--failures", help="Ask with exact places as well, to tell what failures are due to."),
    ] = False,
    vlm: Vlm = "none",
    precision: Precision = None,
    adapter: Adapter = None,
    family: Family = None,
    prior: Annotated[
        str,
        typer.Option(
            metavar="none,cvaa,oracle,random",
            help="What a model is told of where the video lies; several are run one after the other.",
        ),
    ] = "none",
    shuffles: Annotated[
        int, typer.Option(metavar="N", help="Ask again N times with the choices in other orders.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write every answer, one JSON line each, and the scores beside it.")
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How well questions of the twelve tasks of LinkS2Bench are answered, and left without an answer."""
    params = {
        "questions": questions,
        "scene": scene,
        "localization": "oracle" if oracle else "own",
        "failures": failures,
        "shuffles": shuffles,
        "vlm": vlm,
        "precision": precision,
        "adapter": adapter,
        "family": family,
        "prior": [name.strip() for name in prior.split(",")],
        "out": out,
    }
    return run_job("eval.links2bench", params, as_json=as_json, device=device)


def correct(
    scene: Annotated[str, typer.Argument(metavar="SCENE", help="A scene with tracks.")],
    *,
    clip: Annotated[str | None, typer.Option(help="Name of the clip, where the scene has several.")] = None,
    merge: Annotated[
        list[str] | None,
        typer.Option(metavar="'track 3, track 9'", help="Tracks that are one; the first keeps its number."),
    ] = None,
    relabel: Annotated[
        list[str] | None, typer.Option(metavar="'track 4=person'", help="What something really is.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="'track 5'", help="Something that is not there at all.")
    ] = None,
    clear_answers: Annotated[
        bool, typer.Option("--clear-answers", help="Forget the answers that were kept.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Correct tracks and objects of a scene; each correction is noted in its layer runs."""
    params = {
        "scene": scene,
        "clip": clip,
        "merge": [[key.strip() for key in item.split(",")] for item in merge or ()],
        "relabel": dict(_pair(item, "--relabel") for item in relabel or ()),
        "remove": remove or [],
        "clear_answers": clear_answers,
    }
    return run_job("correct", params, as_json=as_json, device="cpu")


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise UsageError(f"{option} expects NAME=VALUE, found {text!r}")
    return name.strip(), value.strip()
