"""Conversations about pictures of coloured squares, with known answers, and a recipe for tiny models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE_PX = 84
# Pixels that tiny models see of a picture.
LIMITS = (3136, 50176)
# What makes tiny models still smaller.
TINY: dict[str, Any] = {"text": {"num_hidden_layers": 2}, "vision": {"depth": 2}}
COLOURS = {"plane": (220, 40, 40), "ship": (40, 90, 220), "bridge": (60, 200, 80), "harbor": (230, 220, 70)}


def draw(folder: Path, name: str, box: tuple[int, int, int, int]) -> str:
    """A square on grey, as a PNG; the name of the file."""
    image = np.full((SIDE_PX, SIDE_PX, 3), 96, np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = COLOURS[name]
    Image.fromarray(image).save(folder / f"{name}.png")
    return f"{name}.png"


def records(folder: Path) -> list[dict[str, Any]]:
    """Four conversations: two boxes, one with a system message, and two questions in a row."""
    folder.mkdir(parents=True, exist_ok=True)
    boxes = {
        name: (8 * number + 4, 8 * number, 8 * number + 40, 8 * number + 30)
        for number, name in enumerate(COLOURS)
    }
    pictures = {name: draw(folder, name, box) for name, box in boxes.items()}
    told = {name: ",".join(map(str, box)) for name, box in boxes.items()}

    def shown(name: str, text: str) -> dict[str, Any]:
        image = {"type": "image", "image": pictures[name]}
        return {"role": "user", "content": [image, {"type": "text", "text": text}]}

    def said(text: str) -> dict[str, Any]:
        return {"role": "assistant", "content": text}

    return [
        {"id": "a", "messages": [shown("plane", "find the plane"), said(f"{told['plane']} plane")]},
        {"id": "b", "messages": [shown("ship", "find the ship"), said(f"{told['ship']} ship")]},
        {
            "id": "c",
            "messages": [
                {"role": "system", "content": "You look at pictures."},
                shown("bridge", "find the harbor"),
                said("There is none."),
            ],
        },
        {
            "id": "d",
            "messages": [
                shown("harbor", "what is in the picture?"),
                said("a harbor"),
                {"role": "user", "content": "how many are there?"},
                said("1"),
            ],
        },
    ]


def write_data(folder: Path) -> Path:
    """The conversations as a file of JSON Lines beside their pictures."""
    path = folder / "squares.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records(folder)), encoding="utf-8")
    return path


def write_recipe(path: Path, **training: Any) -> Path:
    """A recipe for tiny models, exact on a processor."""
    numbers = {"batch_size": 4, "micro_batch": 4, "learning_rate": 0.01, "held_out_share": 0.0} | training
    recipe = {
        "name": "tiny",
        "lora": {"rank": 8, "alpha": 16, "dropout": 0.0},
        "training": numbers,
        "paraphrase": 0.0,
        "min_px": LIMITS[0],
        "max_px": 12544,
    }
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path
