"""The group `rs-copilot train`: networks of the program, and models tuned on one's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_copilot.cli_options import AsJson, Device, parse_numbers
from rs_copilot.console import run_job

train_app = typer.Typer(help="Train models, or adapt them to your own layers.", rich_markup_mode=None)


@train_app.command(epilog="Example: rs-copilot train retriever my-layer.tif --out adapted")
def retriever(
    rasters: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RASTER]...", help="Adapt to this layer; without one: train."),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the network; a broken training goes on from here.")],
    recipe: Annotated[str, typer.Option(help="A recipe that comes along, or a JSON file.")] = "cvaa-s",
    data: Annotated[Path | None, typer.Option(help="Folder of the imagery that the recipe names.")] = None,
    backbone: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="A frozen DINOv2-class network for recipe cvaa-l.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Fewer or more steps than usual.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed and data, same network.")] = None,
    weights: Annotated[Path | None, typer.Option(help="The network to adapt, if not the usual one.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that draw pairs.")] = 1,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last adaptation in --out back.")] = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Train the cross-view retriever, or tune its adapters on your own layer in a few minutes."""
    params = {
        "rasters": rasters or [],
        "out": out,
        "recipe": recipe,
        "data": data,
        "backbone": backbone,
        "steps": steps,
        "seed": seed,
        "weights": weights,
        "workers": workers,
        "undo": undo,
    }
    return run_job("train", params, as_json=as_json, device=device)


@train_app.command(epilog="Example: rs-copilot train detector --data imagery --out vehicles")
def detector(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the network; a broken training goes on from here.")],
    recipe: Annotated[str, typer.Option(help="A recipe that comes along, or a JSON file.")] = "vehicles-s",
    data: Annotated[Path | None, typer.Option(help="Folder of the imagery that the recipe names.")] = None,
    steps: Annotated[int | None, typer.Option(help="Fewer or more steps than usual.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed and data, same network.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that draw pictures.")] = 0,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Train the small detector of vehicles as oriented boxes."""
    params = {"out": out, "recipe": recipe, "data": data, "steps": steps, "seed": seed, "workers": workers}
    return run_job("train.detector", params, as_json=as_json, device=device)


@train_app.command(
    epilog="Example: rs-copilot train vlm --data ships.jsonl --model qwen3-vl-4b --out ships "
    "--subset 'ships%50*2'"
)
def vlm(
    *,
    data: Annotated[
        list[Path],
        typer.Option(metavar="FILE", help="Conversations as JSON or JSON Lines; may be given several times."),
    ],
    model: Annotated[
        str, typer.Option(metavar="ID|FOLDER", help="The model to tune, as in `rs-copilot models list`.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the adapter; a broken tuning goes on from here.")],
    subset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME%PERCENT*TIMES", help="Learn so much of the file of this name, and only of such."
        ),
    ] = None,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Conversations to measure with. Default: a twentieth of the data."),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of the pictures, if not that of each file.")
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="W,H", help="The data give places in such a grid, not in pixels of the file."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="A recipe that comes along, or a JSON file.")] = "vlm-lora",
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto|nf4|bf16|fp32",
            help="Of the model's weights. Default: nf4 on a graphics card, fp32 without one.",
        ),
    ] = "auto",
    steps: Annotated[int | None, typer.Option(help="So many steps, whatever the epochs.")] = None,
    epochs: Annotated[float | None, typer.Option(help="How often all is learned. Default: 1.")] = None,
    rank: Annotated[int | None, typer.Option(help="Rank of the adapter's matrices. Default: 16.")] = None,
    alpha: Annotated[
        float | None, typer.Option(help="How much they count, over the rank. Default: 32.")
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Share of their inputs that is dropped. Default: 0.05.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At its highest. Default: 1e-4.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed and data, same adapter.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the adapter in the list of models. Default: the folder's.")
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Tune a vision-language model on your own conversations (LoRA); its own weights stay as they are."""
    params = {
        "data": data,
        "model": model,
        "out": out,
        "subsets": subset or [],
        "held_out": held_out or [],
        "pictures": pictures,
        "grid": None if grid is None else [round(number) for number in parse_numbers(grid, 2, "--grid")],
        "recipe": recipe,
        "precision": precision,
        "steps": steps,
        "epochs": epochs,
        "rank": rank,
        "alpha": alpha,
        "dropout": dropout,
        "learning_rate": learning_rate,
        "seed": seed,
        "name": name,
    }
    return run_job("train.vlm", params, as_json=as_json, device=device)
