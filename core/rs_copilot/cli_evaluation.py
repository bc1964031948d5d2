"""Commands that measure vision-language models on the files of published benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from rs_copilot.cli_options import Adapter, AsJson, Device, Precision, parse_names
from rs_copilot.console import run_job

Data = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Records: JSON or JSON lines; may be given again.")
]
Images = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where the pictures lie. Default: beside the records.")
]
Out = Annotated[
    Path, typer.Option(metavar="FOLDER", help="For answers and report; a broken run goes on from here.")
]
Model = Annotated[
    str | None, typer.Option(metavar="ID|FOLDER|URL|scripted:FILE", help="The model that answers.")
]
Predictions = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Answers that were given before, instead of a model.")
]
FamilyName = Annotated[
    str | None,
    typer.Option(
        metavar="rscovlm|qwen2.5-vl|qwen3-vl",
        help="How given answers speak of places (default rscovlm), or a model on a server.",
    ),
]
Prompts = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Other words than the usual ones; see docs/models.md.")
]
MaxPx = Annotated[int | None, typer.Option(help="How many pixels of a picture the model sees at most.")]
MaxTokens = Annotated[int | None, typer.Option(help="How long an answer may be.")]
Batch = Annotated[int, typer.Option(help="Questions that go to the model at once.")]
Limit = Annotated[int | None, typer.Option(metavar="N", help="Only the first N records.")]


class Reading(str, Enum):
    """How forgiving answers with places are read."""

    tolerant = "tolerant"
    strict = "strict"
    repository = "repository"


class Shape(str, Enum):
    """How places are asked for."""

    quad = "quad"
    obb = "obb"
    hbb = "hbb"


class Outline(str, Enum):
    """Between what overlaps are measured."""

    rectangles = "rectangles"
    quads = "quads"


ReadingChoice = Annotated[
    Reading, typer.Option(help="How forgiving: repository reads as RSCoVLM's code does, for comparison.")
]


def eval_rscovlm_detection(
    *,
    out: Out,
    truth: Annotated[
        Path | None, typer.Option(help="DOTA labels or a CSV of boxes; without it results are only written.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The pictures, for a model to look at.")
    ] = None,
    model: Model = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Instead of a model: answers, or boxes as a CSV or a folder of DOTA results."),
    ] = None,
    classes: Annotated[str | None, typer.Option(metavar="A,B,…", help="Only these classes.")] = None,
    shape: Annotated[Shape, typer.Option(help="How places are asked for.")] = Shape.quad,
    tile: Annotated[int | None, typer.Option(metavar="PX", help="Side of tiles; 0: whole pictures.")] = None,
    overlap: Annotated[int | None, typer.Option(metavar="PX", help="What tiles have in common.")] = None,
    max_mode: Annotated[
        bool, typer.Option("--max-mode", help="Enlarge every tile to 1008 x 1008 pixels.")
    ] = False,
    outline: Annotated[Outline, typer.Option(help="What overlaps are measured of.")] = Outline.rectangles,
    reading: ReadingChoice = Reading.tolerant,
    min_score: Annotated[float, typer.Option(help="Leave out given boxes below this score.")] = 0.0,
    precision: Precision = None,
    adapter: Adapter = None,
    family: FamilyName = None,
    prompts: Prompts = None,
    max_px: MaxPx = None,
    max_tokens: MaxTokens = None,
    batch: Batch = 1,
    limit: Limit = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How well a model finds oriented objects: AP without confidence, F1."""
    params = {
        "truth": truth,
        "classes": parse_names(classes),
        "shape": shape.value,
        "tile_px": tile,
        "overlap_px": overlap,
        "max_mode": max_mode,
        "outline": outline.value,
        "reading": reading.value,
        "min_score": min_score,
    }
    common = _common(out, model, predictions, None, images, precision, adapter, family)
    more = _more(prompts, max_px, max_tokens, batch, limit)
    return run_job("eval.rscovlm-detection", params | common | more, as_json=as_json, device=device)


def eval_grounding(
    *,
    out: Out,
    data: Data = None,
    images: Images = None,
    model: Model = None,
    predictions: Predictions = None,
    reading: ReadingChoice = Reading.strict,
    precision: Precision = None,
    adapter: Adapter = None,
    family: FamilyName = None,
    prompts: Prompts = None,
    max_px: MaxPx = None,
    max_tokens: MaxTokens = None,
    batch: Batch = 1,
    limit: Limit = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How often a model finds what is described in words: Acc@0.5."""
    common = _common(out, model, predictions, data, images, precision, adapter, family)
    params = common | _more(prompts, max_px, max_tokens, batch, limit) | {"reading": reading.value}
    return run_job("eval.grounding", params, as_json=as_json, device=device)


def eval_scene(
    *,
    out: Out,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER|FILE", help="A folder of pictures for each class, or records."),
    ] = None,
    images: Images = None,
    model: Model = None,
    predictions: Predictions = None,
    classes: Annotated[str | None, typer.Option(metavar="A,B,…", help="All classes asked for.")] = None,
    precision: Precision = None,
    adapter: Adapter = None,
    family: FamilyName = None,
    prompts: Prompts = None,
    max_px: MaxPx = None,
    max_tokens: MaxTokens = None,
    batch: Batch = 1,
    limit: Limit = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """How often a model says which kind of scene a picture shows."""
    common = _common(out, model, predictions, data, images, precision, adapter, family)
    params = common | _more(prompts, max_px, max_tokens, batch, limit) | {"classes": parse_names(classes)}
    return run_job("eval.scene", params, as_json=as_json, device=device)


def _of_questions(method: str) -> Callable[..., int]:
    """A command for a suite of questions that are answered in words."""

    def command(
        *,
        out: Out,
        data: Data = None,
        images: Images = None,
        model: Model = None,
        predictions: Predictions = None,
        precision: Precision = None,
        adapter: Adapter = None,
        family: FamilyName = None,
        prompts: Prompts = None,
        zooms: Annotated[
            int, typer.Option(help="How often the model may look closer, but not to count. Up to 3.")
        ] = 0,
        max_px: MaxPx = None,
        max_tokens: MaxTokens = None,
        batch: Batch = 1,
        limit: Limit = None,
        as_json: AsJson = False,
        device: Device = "auto",
    ) -> int:
        common = _common(out, model, predictions, data, images, precision, adapter, family)
        params = common | _more(prompts, max_px, max_tokens, batch, limit) | {"zooms": zooms}
        return run_job(method, params, as_json=as_json, device=device)

    return command


def eval_geoxbench(
    *,
    out: Out,
    index: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK=FILE", help="A file of the benchmark's Dataset_Index; again for each."),
    ] = None,
    images: Images = None,
    model: Model = None,
    results: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK=FILE", help="Results that were written before, instead of a model."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(metavar="N", help="N records of each file, balanced over the answers.")
    ] = None,
    precision: Precision = None,
    adapter: Adapter = None,
    family: FamilyName = None,
    max_px: MaxPx = None,
    max_tokens: MaxTokens = None,
    batch: Batch = 1,
    limit: Limit = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Where ground photos were taken, by aerial images: the seven tasks of GeoX-Bench."""
    common = _common(out, model, None, None, images, precision, adapter, family)
    own = {"indices": index, "results": results, "sample": sample}
    params = common | _more(None, max_px, max_tokens, batch, limit) | own
    return run_job("eval.geoxbench", params, as_json=as_json, device=device)


def _common(
    out: Path,
    model: str | None,
    predictions: Path | None,
    data: list[Path] | None,
    images: Path | None,
    precision: str | None,
    adapter: str | None,
    family: str | None,
) -> dict[str, Any]:
    return {
        "out": out,
        "model": model,
        "predictions": predictions,
        "data": data or None,
        "images": images,
        "precision": precision,
        "adapter": adapter,
        "family": family,
    }


def _more(
    prompts: Path | None, max_px: int | None, max_tokens: int | None, batch: int, limit: int | None
) -> dict[str, Any]:
    return {
        "prompts": prompts,
        "max_px": max_px,
        "max_tokens": max_tokens,
        "batch": batch,
        "limit": limit,
    }


def add_commands(app: typer.Typer) -> None:
    """Add them to the group ``eval``."""
    _add(app, "rscovlm-detection", eval_rscovlm_detection, "--truth labels --images images")
    _add(app, "grounding", eval_grounding, "--data rsvg_test.jsonl --images images")
    _add(app, "scene", eval_scene, "--data AID")
    vqa, lrs_vqa = _of_questions("eval.vqa"), _of_questions("eval.lrs-vqa")
    vqa.__doc__ = "How often a model answers questions about pictures rightly."
    lrs_vqa.__doc__ = "How often a model answers questions about very large pictures rightly: LRS-VQA."
    _add(app, "vqa", vqa, "--data hrben.jsonl --images images")
    _add(app, "lrs-vqa", lrs_vqa, "--data LRS_VQA.jsonl --images images")
    _add(app, "geoxbench", eval_geoxbench, "--index pose=CVUSA_zoom18.json --images data")


def _add(app: typer.Typer, name: str, command: Callable[..., int], example: str) -> None:
    ending = "--model rscovlm-7b --out found"
    app.command(name, epilog=f"Example: rs-copilot eval {name} {example} {ending}")(command)
