"""Conversations in both forms are read, and wrong ones are named."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_copilot.errors import BadInputError
from rs_copilot.training.vlm.conversations import Example, Stored, StoredClip, example_of, read_conversations
from rs_copilot.training.vlm.pictures import read_picture, read_pictures
from rs_copilot.vlm.messages import Role, TextPart
from rs_copilot.vlm.resize import PixelBudget

FOLDER = Path("data")


def example(record: object) -> Example:
    return example_of(record, FOLDER, "set.json: record 3")


def message(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def test_messages_with_parts() -> None:
    content = [
        {"type": "image", "image": "a.png", "min_pixels": 100, "max_pixels": 200},
        {"type": "image", "image": "file:///b.png", "resized_width": 56, "resized_height": 28},
        {"type": "text", "text": "find the ship"},
    ]
    found = example(
        [message("system", "role"), message("user", content), message("assistant", "1,2,3,4 ship")]
    )
    assert found.key == "set.json: record 3"
    assert [turn.role for turn in found.turns] == [Role.SYSTEM, Role.USER, Role.ASSISTANT]
    assert found.pictures == (
        Stored(FOLDER / "a.png", PixelBudget(100, 200)),
        Stored(Path("/b.png"), PixelBudget(56 * 28, 56 * 28)),
    )
    assert found.turns[1].parts[2] == TextPart("find the ship")


def test_clips_are_lists_of_frames() -> None:
    clip = {"type": "video", "video": ["1.jpg", "2.jpg"], "fps": 4}
    found = example({"id": 7, "messages": [message("user", [clip]), message("assistant", "yes")]})
    assert found.key == "7"
    assert found.turns[0].parts == (StoredClip((Stored(FOLDER / "1.jpg"), Stored(FOLDER / "2.jpg")), 4.0),)
    assert len(found.pictures) == 2


def test_llava_placeholders_become_pictures_before_the_words() -> None:
    found = example(
        {
            "id": "x",
            "image": ["a.png", "b.png"],
            "conversations": [
                {"from": "human", "value": "<image>\nWhat is it?\nSay <image>\nmore."},
                {"from": "gpt", "value": "A ship."},
            ],
        }
    )
    first = found.turns[0]
    assert first.parts == (
        Stored(FOLDER / "a.png"),
        Stored(FOLDER / "b.png"),
        TextPart("What is it?\nSay more."),
    )
    assert found.turns[1].role is Role.ASSISTANT


ASKED = {"from": "human", "value": "<image>\n?"}
SAID = {"from": "gpt", "value": "!"}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (5, "expected an object or a list"),
        ({}, "messages or conversations"),
        ([], "found nothing"),
        ([message("user", "a")], "ending with the assistant"),
        ([message("user", "a"), message("user", "b")], "found user, user"),
        ([message("user", "a"), message("assistant", "b"), message("system", "c")], "found user, assistant"),
        ([message("tool", "a")], "the role system, user or assistant"),
        ([message("user", 5), message("assistant", "b")], "content that is text or a list"),
        ([message("user", [{"type": "sound"}]), message("assistant", "b")], "type text, image or video"),
        (
            [message("user", [{"type": "image"}]), message("assistant", "b")],
            "path of a picture, found nothing",
        ),
        (
            [message("user", [{"type": "image", "image": "https://x/a.png"}]), message("assistant", "b")],
            "read from files",
        ),
        (
            [message("user", [{"type": "image", "image": "a", "max_pixels": -1}]), message("assistant", "b")],
            "whole number of pixels",
        ),
        (
            [message("user", [{"type": "video", "video": "a.mp4"}]), message("assistant", "b")],
            "list of its frames",
        ),
        (
            [message("user", [{"type": "video", "video": ["a"], "fps": 0}]), message("assistant", "b")],
            "fps over 0",
        ),
        ({"conversations": [ASKED, SAID]}, "no image is left"),
        ({"image": ["a", "b"], "conversations": [ASKED, SAID]}, "more than one image"),
        ({"conversations": [{"from": "robot", "value": ""}]}, "human or gpt"),
    ],
)
def test_wrong_records_are_named(record: object, message: str) -> None:
    with pytest.raises(BadInputError, match=r"set\.json: record 3: ") as raised:
        example(record)
    assert message in str(raised.value)


def test_files_of_both_kinds(tmp_path: Path) -> None:
    records = [[message("user", f"{number}?"), message("assistant", "!")] for number in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(records))
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(record) for record in records) + "\n\n")
    listed, lined = (read_conversations(tmp_path / name) for name in ("a.json", "a.jsonl"))
    assert [item.turns for item in listed] == [item.turns for item in lined]
    assert [item.key for item in listed][2] == "a.json: record 2"


@pytest.mark.parametrize("text", ["{}", "nothing", "[" * 100_000])
def test_files_that_are_no_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadInputError, match=r"a\.json"):
        read_conversations(tmp_path / "a.json")


def test_pictures_from_files_and_text_are_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[0, :, 0], pixels[0, :, 3] = 200, 255
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "a.png")
    kept = io.BytesIO()
    picture.save(kept, "png")
    uri = "data:image/png;base64," + base64.b64encode(kept.getvalue()).decode()
    parts = [{"type": "image", "image": source} for source in ("a.png", uri)]
    found = example_of([message("user", parts), message("assistant", "!")], tmp_path, "x")
    for image in read_pictures(found):
        assert image.shape == (3, 4, 3)
        assert image[0, 0].tolist() == [200, 0, 0] and image[2, 2].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    "source", [Path("missing.png"), "data:image/png;base64,%%", "data:image/png;base64,AAAA"]
)
def test_pictures_that_cannot_be_read(source: Path | str) -> None:
    with pytest.raises(BadInputError, match="cannot read the picture"):
        read_picture(Stored(source))
