"""Letters, scenes, yes and no, and counts as models say them."""

from __future__ import annotations

import pytest

from rs_copilot.vlm.short_answers import first_letter, read_count, read_letter, read_presence, read_scene

SCENES = ("dense residential", "residential", "airport", "storage-tanks")


@pytest.mark.parametrize(
    ("text", "letter", "anywhere"),
    [
        ("B", "B", "B"),
        ("b.", "B", None),
        ("(C) a road", "C", "C"),
        ("The answer is D.", "D", "D"),
        ("A road is seen, so B.", "B", "A"),
        ("The answer is a road, B", "B", "B"),
        ("Answer: E", "E", "A"),
        ("Option B is right", "B", "B"),
        ("F", None, None),
        ("none", None, None),
        ("<think>A?</think>B", "B", "B"),
        ("", None, None),
    ],
)
def test_letters(text: str, letter: str | None, anywhere: str | None) -> None:
    assert (read_letter(text), first_letter(text)) == (letter, anywhere)


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("Airport.", "airport"),
        ("It is a dense residential area", "dense residential"),
        ("residential", "residential"),
        ("Storage_Tanks", "storage-tanks"),
        ("storage tank", "storage-tanks"),
        ("airport or residential", None),
        ("airports", "airport"),
        ("zoo", None),
        ("", None),
    ],
)
def test_scenes(text: str, scene: str | None) -> None:
    assert read_scene(text, SCENES) == scene


@pytest.mark.parametrize(
    ("text", "is_there"),
    [("Yes, it is", True), ("No.", False), ("true", True), ("yes and no", None), ("noon", None), ("", None)],
)
def test_presence(text: str, is_there: bool | None) -> None:
    assert read_presence(text) is is_there


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3", 3),
        ("There are three cars and 5 ships", 3),
        ("twenty-one", 21),
        ("one hundred and five", 105),
        ("two thousand three hundred", 2300),
        ("1,234 ships", 1234),
        ("12, 34", 12),
        ("I see no cars", 0),
        ("None.", 0),
        ("No, there are 5", 5),
        ("many", None),
        ("", None),
    ],
)
def test_counts(text: str, count: int | None) -> None:
    assert read_count(text) == count
