"""Detection by a vision-language model: a sweep that finds every object once, told in words."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from PIL import Image

from rs_copilot.errors import BadInputError, CancelledError, MissingDependencyError, UsageError
from rs_copilot.jobs import shelf
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.registry import run_job
from rs_copilot.types import SizeWH
from rs_copilot.vector.store import read_layer
from rs_copilot.vlm.backend import Backend, Conversation
from rs_copilot.vlm.detector import DOTA, Sizes, VlmDetector
from rs_copilot.vlm.families import FAMILIES
from rs_copilot.vlm.scripted import ScriptedBackend
from tests.engine.jobs.test_detect import placed_clip
from tests.engine.vlm.eyes import GREEN, MAGENTA, NONE, painted, save_raster, sweeper

PLACE = Affine.translation(500000, 5300000) @ Affine.scale(0.5, -0.5)
SIZE = SizeWH(1300, 1000)
COLOURS = {"large vehicle": MAGENTA, "small vehicle": GREEN}
# Some in one tile, some where tiles meet, one longer than the overlap of tiles.
BOXES = [
    ((20, 30, 60, 70), MAGENTA), ((430, 40, 500, 100), GREEN), ((405, 405, 520, 520), MAGENTA),
    ((300, 700, 560, 740), GREEN), ((1250, 950, 1290, 990), GREEN), ((820, 480, 860, 520), MAGENTA),
]  # fmt: skip


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_raster(tmp_path_factory.mktemp("sweep") / "yard.tif", painted(SIZE, *BOXES), PLACE)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every model is the given one."""

    def given(backend: Backend) -> Backend:
        monkeypatch.setattr(shelf, "open_backend", lambda *_: backend)
        return backend

    return given


def detect(source: Path, out: Path, context: JobContext | None = None, **more: Any) -> Any:
    asked = {
        "source": str(source), "out": str(out), "detector": "vlm", "model": "eyes", "classes": list(COLOURS),
        **more,
    }  # fmt: skip
    return run_job("detect", asked, context or JobContext(device="cpu"))


def found_boxes(scene: Path) -> list[tuple[str, np.ndarray]]:
    table = read_layer(scene, "detections")
    edges = table.geometry.bounds.to_numpy()
    pixels = np.stack(
        [edges[:, 0] - 500000, 5300000 - edges[:, 3], edges[:, 2] - 500000, 5300000 - edges[:, 1]], axis=1
    )
    return sorted(zip(table["label"], pixels * 2, strict=True), key=lambda item: tuple(item[1]))


def assert_all_found(scene: Path) -> None:
    names = {colour: name for name, colour in COLOURS.items()}
    wanted = sorted(
        ((names[colour], np.array(box)) for box, colour in BOXES), key=lambda item: tuple(item[1])
    )
    got = found_boxes(scene)
    assert [name for name, _ in got] == [name for name, _ in wanted]
    for (_, one), (_, other) in zip(got, wanted, strict=True):
        assert np.abs(one - other).max() <= 2.5


@pytest.mark.parametrize("more", [{}, {"max_mode": True}, {"fuse": True}], ids=["plain", "max", "both"])
def test_every_object_is_found_once(tmp_path: Path, raster: Path, use: Any, more: dict[str, bool]) -> None:
    backend = use(sweeper(COLOURS))
    result = detect(raster, tmp_path / "s.gpkg", **more)
    assert (result.tiles, result.detections, result.warnings) == (9, 6, [])
    assert_all_found(tmp_path / "s.gpkg")
    assert len(backend.heard) == 9 * (1 + more.get("fuse", False))
    assert read_layer(tmp_path / "s.gpkg", "detections")["score"].isna().all()
    assert set(read_layer(tmp_path / "s.gpkg", "detections")["method"]) == {"detector vlm eyes"}


def test_max_mode_shows_tiles_as_large_as_the_model_was_trained(raster: Path) -> None:
    for family in FAMILIES.values():
        backend = sweeper(COLOURS, family)
        detector = VlmDetector(backend, ("ship",), Sizes(plain=True, largest=True))
        detector.detect(np.full((1, 512, 512, 3), 9, np.uint8))
        plain, largest = (backend._seen(talk)[0] for talk in backend.heard)
        assert abs(plain.width_px - 512) <= 16 and abs(largest.width_px - 1008) <= 16


def test_a_sweep_goes_on_where_it_was_stopped(tmp_path: Path, raster: Path, use: Any) -> None:
    stop = threading.Event()
    seen: list[Progress] = []

    def follow(step: Progress) -> None:
        seen.append(step)
        if step.done == 4:
            stop.set()

    use(sweeper(COLOURS))
    with pytest.raises(CancelledError):
        detect(raster, tmp_path / "s.gpkg", JobContext(follow, device="cpu", cancelled=stop))
    assert len(read_layer(tmp_path / "s.gpkg", "detections")) >= 1
    backend = use(sweeper(COLOURS))
    result = detect(raster, tmp_path / "s.gpkg")
    assert result.resumed >= 4 and len(backend.heard) == 9 - result.resumed
    assert_all_found(tmp_path / "s.gpkg")


def test_half_an_answer_is_no_answer(tmp_path: Path, raster: Path, use: Any) -> None:
    """Stopped in the middle of a tile: nothing of it is kept as if it were all."""
    stop = threading.Event()
    eyes = sweeper(COLOURS)
    plain = eyes.script

    def answer(conversation: Conversation) -> str:
        stop.set()
        assert callable(plain)
        return plain(conversation)

    eyes.script = answer
    use(eyes)
    with pytest.raises(CancelledError):
        detect(raster, tmp_path / "s.gpkg", JobContext(device="cpu", cancelled=stop))
    use(sweeper(COLOURS))
    assert detect(raster, tmp_path / "s.gpkg").resumed == 0
    assert_all_found(tmp_path / "s.gpkg")


def test_answers_that_cannot_be_read_are_counted(tmp_path: Path, raster: Path, use: Any) -> None:
    texts = iter(["I see a lot.", "1,2,3 ship\n10,10,50,10,50,50,10,50 large vehicle", *[NONE] * 99])
    use(ScriptedBackend(lambda _: next(texts)))
    result = detect(raster, tmp_path / "s.gpkg")
    assert result.detections == 1
    assert any("1 of 9 answers of the model could not be read" in text for text in result.warnings)


def test_names_that_were_not_asked_for_are_left_out(tmp_path: Path, raster: Path, use: Any) -> None:
    use(ScriptedBackend(lambda _: "10,10,50,10,50,50,10,50 submarine"))
    result = detect(raster, tmp_path / "s.gpkg")
    assert result.detections == 0 and result.warnings


def test_without_classes_it_looks_for_those_it_was_trained_with(use: Any) -> None:
    backend = ScriptedBackend([NONE])
    detector = VlmDetector(backend)
    assert detector.class_names == DOTA == tuple(sorted(DOTA))
    assert detector.detect(np.full((1, 64, 64, 3), 9, np.uint8))[0].scores.size == 0
    assert all(name in backend.heard[0][-1].text for name in DOTA)


def test_of_two_equal_boxes_the_one_inside_its_tile_is_believed(tmp_path: Path, use: Any) -> None:
    """Both tiles see all of it and say it differently; the one in whose middle it lies is right."""
    path = save_raster(tmp_path / "a.tif", painted(SizeWH(924, 512)), PLACE)
    # It lies at 420 to 470: near the right border of the first tile, and of the second at 8 to 58.
    texts = iter(["414,210,464,210,464,260,414,260 large vehicle", "9,210,57,210,57,260,9,260 large vehicle"])
    use(ScriptedBackend(lambda _: next(texts)))
    detect(path, tmp_path / "s.gpkg")
    ((_, box),) = found_boxes(tmp_path / "s.gpkg")
    assert box[0] == pytest.approx(414 * 512 / 504, abs=0.1)


def test_clips_are_swept_frame_by_frame(tmp_path: Path, use: Any) -> None:
    use(sweeper({"large vehicle": (255, 0, 0)}))
    clip = placed_clip(tmp_path, 4)
    for file in sorted(clip.iterdir()):
        image = np.asarray(Image.open(file)).copy()
        assert image.shape == (240, 320, 3)
        image[40:56, 40:56] = (255, 0, 0)
        Image.fromarray(image).save(file)
    result = detect(clip, tmp_path / "s.gpkg", classes=["large vehicle"])
    assert result.kind == "clip" and result.frames == 4 and result.detections >= 4
    assert read_layer(tmp_path / "s.gpkg", "detections")["score"].isna().all()


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, raster: Path, use: Any) -> None:
    use(sweeper(COLOURS))
    with pytest.raises(UsageError, match="gives no scores"):
        detect(raster, tmp_path / "s.gpkg", min_score=0.5)
    with pytest.raises(MissingDependencyError, match="No vision-language model"):
        detect(raster, tmp_path / "s.gpkg", model=None)
    with pytest.raises(UsageError, match="--detector vlm"):
        detect(raster, tmp_path / "s.gpkg", detector="vehicles-s")


def test_what_has_no_scores_cannot_be_calibrated(tmp_path: Path, raster: Path, use: Any) -> None:
    use(sweeper(COLOURS))
    detect(raster, tmp_path / "s.gpkg")
    asked = {"scene": str(tmp_path / "s.gpkg"), "truth": "labels.gpkg", "out": str(tmp_path / "c.json")}
    with pytest.raises(BadInputError, match="no scores"):
        run_job("eval.calibration", asked, JobContext(device="cpu"))
