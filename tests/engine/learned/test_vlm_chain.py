"""The chain and the sweep with a real model: tiny and with random weights, through the real loading code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine

from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.types import SizeWH
from rs_copilot.vector.store import read_layer
from rs_copilot.vlm.backend import Backend, Decoding
from rs_copilot.vlm.detector import Sizes, VlmDetector
from rs_copilot.vlm.picture import open_raster_windows
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.resize import PixelBudget
from rs_copilot.vlm.tasks import Task
from rs_copilot.vlm.zoom import Manner, look_closer
from tests.engine.vlm.eyes import GREEN, painted, save_raster

tiny_vlm = pytest.importorskip("tests.engine.learned.tiny_vlm")
BUDGET = PixelBudget(56 * 56, 168 * 168)
SIZE = SizeWH(1400, 900)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved: Path = tiny_vlm.save_vlm(tmp_path_factory.mktemp("tiny") / "tiny-qwen")
    return saved


@pytest.fixture(scope="module")
def backend(folder: Path) -> Iterator[Backend]:
    from rs_copilot.learned.vlm import open_local

    opened: Any = open_local(folder, precision="fp32", device="cpu")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Affine.translation(500000, 5300000) @ Affine.scale(0.5, -0.5)
    image = painted(SIZE, ((300, 300, 500, 500), GREEN))
    return save_raster(tmp_path_factory.mktemp("chain") / "a.tif", image, place)


def test_windows_are_read_in_the_size_in_which_the_model_sees_them(backend: Backend, raster: Path) -> None:
    prompt = write_prompt(Task.GROUND, backend.family, text="yard")
    manner = Manner(BUDGET, Decoding(max_tokens=8), max_zooms=0)
    with open_raster_windows(str(raster)) as windows:
        found = look_closer(backend, windows, prompt, "yard", manner)
        picture = found.looks[0].picture
        reply = backend.reply([*_talk(picture, prompt)], Decoding(max_tokens=1))
    assert reply.seen == (picture.size,) and picture.shrink > 5


def _talk(picture: Any, prompt: Any) -> list[Any]:
    from rs_copilot.vlm.messages import user

    return [user(picture.part, prompt.text)]


def test_random_words_are_an_answer_without_places(backend: Backend, raster: Path) -> None:
    prompt = write_prompt(Task.GROUND, backend.family, text="yard")
    with open_raster_windows(str(raster)) as windows:
        found = look_closer(backend, windows, prompt, "yard", Manner(BUDGET, Decoding(max_tokens=12)))
    assert not found.places and 1 <= len(found.usage) <= 4 and found.usage[0].new_tokens > 0


def test_tiles_are_asked_about_together(backend: Backend) -> None:
    detector = VlmDetector(backend, ("ship",), Sizes(), Decoding(max_tokens=4))
    found = detector.detect(np.full((2, 64, 64, 3), 90, np.uint8))
    assert len(found) == 2 and detector.unread.answers == 2


def test_ground_runs_through_a_folder(folder: Path, raster: Path, tmp_path: Path) -> None:
    asked = {
        "source": str(raster), "out": str(tmp_path / "s.gpkg"), "phrase": "yard", "model": str(folder),
        "precision": "fp32", "max_px": BUDGET.max_px, "max_tokens": 8,
    }  # fmt: skip
    result: Any = run_job("ground", asked, JobContext(device="cpu"))
    assert result.looks >= 1 and result.first_call_s > 0 and len(result.model_hash) == 64
    assert len(read_layer(tmp_path / "s.gpkg", "looks")) == result.looks
