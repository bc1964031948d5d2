"""A conversation about pictures with the real worker process; the model's words are given."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin

from rs_copilot.protocol import Code, Error, Progress, Result

WEST, NORTH, PIXEL_M = 500_000.0, 5_300_000.0, 0.5
SIDE_PX = 504
TO_LONLAT = pyproj.Transformer.from_crs(32633, 4326, always_xy=True)
LINES = ["10,20,60,20,60,90,10,90 ship", "100,100,200,100,200,150,100,150 harbor"]


@pytest.fixture(scope="module")
def raster(tmp_path_factory) -> Path:
    """504 pixels of half a metre: what the model sees is as large as it is."""
    path = tmp_path_factory.mktemp("look") / "map.tif"
    pixels = np.random.default_rng(1).integers(1, 255, (3, SIDE_PX, SIDE_PX), dtype=np.uint8)
    place = from_origin(WEST, NORTH, PIXEL_M, PIXEL_M)
    with rasterio.open(
        path, "w", driver="GTiff", width=SIDE_PX, height=SIDE_PX, count=3, dtype="uint8",
        crs="EPSG:32633", transform=place,
    ) as out:  # fmt: skip
        out.write(pixels)
    return path


def script(tmp_path: Path, answers: list[str], pause_s: float = 0.0) -> str:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"answers": answers, "pause_s": pause_s}), encoding="utf-8")
    return f"scripted:{path}"


def turn(raster: Path, **more: object) -> dict[str, object]:
    return {
        "source": {"kind": "raster", "path": str(raster)},
        "task": "detect",
        "classes": ["harbor", "ship"],
        **more,
    }


def lonlat(x_px: float, y_px: float) -> tuple[float, float]:
    return TO_LONLAT.transform(WEST + PIXEL_M * x_px, NORTH - PIXEL_M * y_px)


def test_objects_come_line_by_line_and_lie_on_the_map(engine, raster, tmp_path):
    model = script(tmp_path, ["\n".join(LINES) + "\n"], pause_s=0.15)
    answer = engine.answer(asked := engine.request("look", turns=[turn(raster)], model=model))
    assert isinstance(answer, Result), answer
    counts = [len(step.partial["objects"]) for step in engine.progress(asked) if step.partial]
    assert sorted(set(counts)) == [0, 1, 2]
    assert counts == sorted(counts)
    ship, harbor = answer.result["objects"]
    assert (ship["label"], ship["line"], ship["box_px"]) == ("ship", 0, [10, 20, 60, 90])
    assert harbor["line"] == 1
    np.testing.assert_allclose(ship["polygon"][0], lonlat(10, 20), atol=1e-9)
    assert answer.result["text"].splitlines() == LINES
    assert answer.result["sends_to"] is None


def test_cancel_stops_within_a_word_and_gives_what_was_said(engine, raster, tmp_path):
    model = script(tmp_path, ["word " * 200], pause_s=0.1)
    asked = engine.request("look", turns=[turn(raster, task="caption")], model=model)
    engine.wait_for(lambda m: isinstance(m, Progress) and m.id == asked and "word word" in str(m.partial))
    engine.cancel(asked)
    begun = time.monotonic()
    answer = engine.answer(asked)
    assert time.monotonic() - begun < 1.0
    assert isinstance(answer, Error)
    assert answer.code == Code.CANCELLED
    assert 2 <= len(answer.details["partial"]["text"].split()) <= 12


def test_a_conversation_outlives_a_killed_worker(start, raster, tmp_path):
    from tests.engine.worker.conftest import START

    model = script(tmp_path, ["one " * 100], pause_s=0.1)
    first = start([str(START)])
    asked = first.request("look", turns=[turn(raster, task="caption")], model=model)
    step = first.wait_for(lambda m: isinstance(m, Progress) and "one one" in str(m.partial))
    first.process.kill()
    with pytest.raises(EOFError):
        first.answer(asked)
    said = step.partial["text"]
    second = start([str(START)])
    model = script(tmp_path, ["two"])
    turns = [turn(raster, task="caption", answer=said), {"source": None, "task": "ask", "text": "And?"}]
    answer = second.answer(second.request("look", turns=turns, model=model))
    assert isinstance(answer, Result), answer
    assert answer.result["text"] == "two"
    assert answer.result["usage"]["image_tokens"] == (SIDE_PX // 28) ** 2


def test_a_loaded_model_waits_for_the_next_question_until_it_is_released(engine, raster, tmp_path):
    model = script(tmp_path, ["first", "second"])
    asked = [turn(raster, task="caption")]
    assert engine.answer(engine.request("look", turns=asked, model=model)).result["text"] == "first"
    assert engine.answer(engine.request("look", turns=asked, model=model)).result["text"] == "second"
    assert engine.answer(engine.request("look.release")).result == {"released": True}
    assert engine.answer(engine.request("look", turns=asked, model=model)).result["text"] == "first"
