"""The group `rs-copilot models`: which there are, fetching, checking, adding and removing them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rs_copilot.cli_options import AsJson, Device
from rs_copilot.console import run_job

models_app = typer.Typer(
    help="Vision-language models on this machine: list, fetch, verify, add, remove, quantise.",
    rich_markup_mode=None,
)
Folder = Annotated[
    Path | None, typer.Option(help="Folder of models. Default: $RS_COPILOT_MODELS, or one of the system's.")
]


class Family(str, Enum):
    """How to speak to a model."""

    qwen25 = "qwen2.5-vl"
    qwen3 = "qwen3-vl"
    rscovlm = "rscovlm"


@models_app.command("list", epilog="Example: rs-copilot models list --json")
def list_models(*, folder: Folder = None, as_json: AsJson = False, device: Device = "auto") -> int:
    """Show models, what is here, what fits, and which to take on this machine."""
    return run_job("models.list", {"folder": folder}, as_json=as_json, device=device)


@models_app.command(epilog="Example: rs-copilot models fetch qwen3-vl-4b")
def fetch(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="An id of the list, ID@COMMIT, or a card: FILE.json.")
    ],
    *,
    folder: Folder = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Download a model and check it; a broken download goes on where it stood.

    The catalog pins nothing. The first fetch takes the newest commit of the hub, notes it with the hash of
    every file, and this machine holds to it from then on. MODEL@COMMIT takes that one.
    """
    return run_job("models.fetch", {"model": model, "folder": folder}, as_json=as_json, device=device)


@models_app.command(epilog="Example: rs-copilot models verify qwen3-vl-4b")
def verify(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="An id of the list. Default: all that are here.")
    ] = None,
    *,
    folder: Folder = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Take the hash of every file again and hold it to the card."""
    return run_job("models.verify", {"model": model, "folder": folder}, as_json=as_json, device=device)


@models_app.command(epilog="Example: rs-copilot models remove qwen3-vl-4b")
def remove(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="An id of the list, or an adapter.")],
    *,
    folder: Folder = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Delete a model, or what was downloaded of it. Folders used in place stay."""
    return run_job("models.remove", {"model": model, "folder": folder}, as_json=as_json, device=device)


@models_app.command(epilog="Example: rs-copilot models add /media/usb/qwen3-vl-4b")
def add(
    path: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="A model in safetensors, or a LoRA adapter as peft saves it."),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option("--id", help="Its id: one of the catalog, or a new one. Default: the folder's name."),
    ] = None,
    family: Annotated[
        Family | None, typer.Option(help="How to speak to it, where its settings do not say.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="ID", help="The model that an adapter belongs to.")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Use the folder where it is; copy nothing.")
    ] = False,
    folder: Folder = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Add a model or an adapter from a folder, without any network."""
    params = {
        "path": path,
        "id": name,
        "family": None if family is None else family.value,
        "base": base,
        "in_place": in_place,
        "folder": folder,
    }
    return run_job("models.add", params, as_json=as_json, device=device)


@models_app.command(epilog="Example: rs-copilot models quantise rscovlm-7b --out ~/rscovlm-7b-nf4")
def quantise(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="An id of the list, or a folder.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist.")],
    folder: Folder = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> int:
    """Write a model in 4 bits (NF4) once, so that it starts in seconds and needs a third of the disk.

    It answers exactly as it does when it is quantised at each start.
    """
    params = {"model": model, "out": out, "folder": folder}
    return run_job("models.quantise", params, as_json=as_json, device=device)
