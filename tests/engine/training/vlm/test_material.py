"""What is learned, what is kept apart, and in which order."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.training.vlm.material import Material, read_material


def write(folder: Path, name: str, count: int) -> Path:
    records = [
        {
            "id": f"{name}{n}",
            "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}],
        }
        for n in range(count)
    ]
    path = folder / f"{name}.json"
    path.write_text(json.dumps(records))
    return path


def read(
    files: list[Path], subsets: tuple[str, ...] = (), held_out: tuple[Path, ...] = (), share: float = 0.0
) -> Material:
    return read_material(files, subsets, held_out, None, share, 1, lambda: None)


def keys(material: Material, seed: int, count: int, start: int = 0) -> list[str]:
    return [example.key for _, example in islice(material.order(seed, start), count)]


def test_epochs_follow_each_other_and_any_place_can_be_entered(tmp_path: Path) -> None:
    material = read([write(tmp_path, "a", 4), write(tmp_path, "b", 10)], ("b%50", "a*2"))
    assert material.count == 13
    whole = keys(material, 1, 39)
    for start in range(0, 39, 5):
        assert keys(material, 1, 39 - start, start) == whole[start:]
    first, second = whole[:13], whole[13:26]
    for epoch in (first, second):
        found = Counter(epoch)
        assert [found[f"a{n}"] for n in range(4)] == [2] * 4
        assert sum(found[f"b{n}"] for n in range(10)) == 5 == sum(key.startswith("b") for key in found)
    assert first != second
    assert keys(material, 2, 39) != whole


def test_a_share_is_kept_apart(tmp_path: Path) -> None:
    material = read([write(tmp_path, "a", 40), write(tmp_path, "b", 5)], share=0.1)
    learned = {example.key for subset in material.subsets for example in subset.examples}
    measured = {example.key for example in material.held_out}
    assert (len(learned), len(measured), learned & measured) == (41, 4, set())
    assert material.is_apart
    assert not read([write(tmp_path, "c", 5)], share=0.1).is_apart
    assert len(read([write(tmp_path, "d", 2)], share=0.99).subsets[0].examples) == 1


def test_files_to_measure_with_leave_the_others_whole(tmp_path: Path) -> None:
    a, b = write(tmp_path, "a", 40), write(tmp_path, "b", 3)
    material = read([a], held_out=(b,), share=0.1)
    assert len(material.subsets[0].examples) == 40 and len(material.held_out) == 3 and material.is_apart
    assert material.hashes.keys() == {"a.json", "b.json"}
    assert read([a, b], ("a",)).hashes.keys() == {"a.json"}


def test_names_must_be_there_once(tmp_path: Path) -> None:
    a = write(tmp_path, "a", 2)
    with pytest.raises(UsageError, match="No file of data is called 'b'; there are a"):
        read([a], ("b%10",))
    with pytest.raises(UsageError, match="named twice"):
        read([a], ("a%10", "a*2"))
    (tmp_path / "more").mkdir()
    with pytest.raises(UsageError, match="Two files of data are called a"):
        read([a, write(tmp_path / "more", "a", 2)])
    with pytest.raises(BadInputError, match="no conversations"):
        read([write(tmp_path, "none", 0)])


def test_pictures_must_be_there(tmp_path: Path) -> None:
    shown = [
        {
            "image": "a.png",
            "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "!"}],
        }
    ]
    (tmp_path / "a.json").write_text(json.dumps(shown))
    with pytest.raises(BadInputError, match=r"record 0 shows .*a\.png, which is not there"):
        read([tmp_path / "a.json"])
