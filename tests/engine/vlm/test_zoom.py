"""Looking closer, with models that see true pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError
from rs_copilot.types import SizeWH
from rs_copilot.vlm.backend import Backend, Decoding, Stop
from rs_copilot.vlm.families import FAMILIES, QWEN3_VL, QWEN25_VL, RSCOVLM, Family
from rs_copilot.vlm.picture import FrameWindows, RasterWindows, open_raster_windows
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.resize import PixelBudget
from rs_copilot.vlm.scripted import ScriptedBackend
from rs_copilot.vlm.tasks import Task
from rs_copilot.vlm.zoom import ASKED, Look, Manner, Outcome, look_closer
from tests.engine.vlm.eyes import (
    BLUE,
    GREEN,
    MAGENTA,
    NONE,
    boxes_of,
    call,
    painted,
    save_raster,
    seeker,
    seen,
)

# Small, so that a raster of some megapixels is huge.
BUDGET = PixelBudget(224 * 224, 336 * 336)
SIZE = SizeWH(2400, 1900)
# Three pixels that no overview shows, in a yard, in a district.
MARK = (1513, 807, 1516, 810)
YARD, DISTRICT = (1484, 780, 1544, 840), (1000, 450, 2000, 1250)
# A raster that is turned on the map: 0.5 m pixels, rotated by 30 degrees.
TURNED = Affine.translation(500000, 5300000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = painted(SIZE, (DISTRICT, BLUE), (YARD, GREEN), (MARK, MAGENTA))
    return save_raster(tmp_path_factory.mktemp("zoom") / "town.tif", image, TURNED)


@pytest.fixture(scope="module")
def windows(raster: Path) -> Iterator[RasterWindows]:
    with open_raster_windows(str(raster)) as opened:
        yield opened


def ask(backend: Backend, source: object, **more: object) -> Outcome:
    prompt = write_prompt(Task.GROUND, backend.family, text="magenta square")
    manner = Manner(BUDGET, Decoding(), **more)  # type: ignore[arg-type]
    return look_closer(backend, source, prompt, "magenta square", manner)  # type: ignore[arg-type]


def test_the_overview_hides_what_the_crop_shows(windows: RasterWindows) -> None:
    overview = windows.read((0, 0, SIZE.width_px, SIZE.height_px), RSCOVLM, BUDGET)
    assert overview.shrink > 6 and not boxes_of(overview.pixels, MAGENTA)
    crop = windows.read((1400, 700, 1624, 924), RSCOVLM, BUDGET)
    assert crop.shrink == 1.0 and boxes_of(crop.pixels, MAGENTA) == [(113, 107, 116, 110)]


def test_a_trained_model_zooms_twice_and_finds_it_on_the_map(windows: RasterWindows) -> None:
    heard: list[Look] = []
    backend = seeker(RSCOVLM)
    found = ask(backend, windows, on_look=heard.append)
    assert [look.step for look in found.looks] == [0, 1, 2] == [look.step for look in heard]
    (place,) = found.places
    assert place.label == "square" and place.step == 2
    # The crop is shown at its own size: 224 pixels are seen as 224.
    assert np.abs(np.concatenate([place.quad_px.min(axis=0), place.quad_px.max(axis=0)]) - MARK).max() <= 2
    middle = np.array(TURNED @ ((MARK[0] + MARK[2]) / 2, (MARK[1] + MARK[3]) / 2))
    assert np.hypot(*(windows.map_points(place.quad_px).mean(axis=0) - middle)) < 1.0
    district, yard = (look.picture.window_px for look in found.looks[1:])
    assert_around(district, DISTRICT)
    assert_around(yard, YARD)
    assert [look.reason for look in found.looks[1:]] == ["I look closer."] * 2
    assert not found.notes and not found.skipped and not found.is_empty


def assert_around(window: Sequence[int], box: Sequence[int]) -> None:
    """A window that shows the box with no more than a third around it, or is as small as windows are."""
    assert window[0] <= box[0] + 8 and window[1] <= box[1] + 8
    assert window[2] >= box[2] - 8 and window[3] >= box[3] - 8
    for low, high, first, last in zip(window[:2], window[2:], box[:2], box[2:], strict=True):
        assert high - low <= max(1.4 * (last - first), 226)


@pytest.mark.parametrize("family", [QWEN25_VL, QWEN3_VL], ids=lambda item: item.name)
def test_others_are_asked_for_the_region_first(windows: RasterWindows, family: Family) -> None:
    backend = seeker(family)
    found = ask(backend, windows)
    (place,) = found.places
    assert np.abs(place.quad_px.mean(axis=0) - [1514.5, 808.5]).max() <= 3
    assert len(found.looks) == 3 and found.looks[-1].picture.shrink == 1.0
    # Every question is one of its own, about one picture.
    assert all(sum(len(message.pictures) for message in talk) == 1 for talk in backend.heard)


def test_what_fits_is_answered_at_once(windows: RasterWindows) -> None:
    for family in FAMILIES.values():
        backend = seeker(family)
        prompt = write_prompt(Task.GROUND, family, text="magenta square")
        manner = Manner(PixelBudget(224 * 224, 1008 * 1008))
        found = look_closer(backend, windows, prompt, "square", manner, (1400, 700, 1700, 1000))
        assert len(backend.heard) == 1 and len(found.looks) == 1
        assert np.abs(found.places[0].quad_px.mean(axis=0) - [1514.5, 808.5]).max() <= 1.5


def test_without_zooms_the_overview_has_to_do(windows: RasterWindows) -> None:
    backend = ScriptedBackend([NONE])
    found = ask(backend, windows, max_zooms=0)
    assert found.is_empty and len(found.looks) == 1
    assert "tool" not in (backend.heard[0][0].text + backend.heard[0][-1].text)


def test_crops_refer_to_the_last_picture(windows: RasterWindows) -> None:
    # The left upper quarter of what was shown, again and again.
    backend = ScriptedBackend([call((0, 0, 224, 168)), call((0, 0, 100, 100)), "10,20,30,40 square"])
    found = ask(backend, windows)
    overview, first, second = (look.picture for look in found.looks)
    step = overview.shrink
    assert first.window_px[:2] == (0, 0) and abs(first.window_px[2] - 224 * step * 1.15) < 224 * step * 0.2
    assert second.window_px[2] < first.window_px[2] / 2
    corner = found.places[0].quad_px.min(axis=0)
    assert np.abs(corner - np.array([10, 20]) * second.shrink).max() < 3


def test_a_call_that_makes_no_sense_is_refused_once(windows: RasterWindows) -> None:
    backend = ScriptedBackend([call((300, 300, 200, 310)), "5,5,20,20 square"])
    found = ask(backend, windows)
    assert len(found.looks) == 1 and len(found.places) == 1 and "refused" in found.notes[0]
    assert "cannot be carried out" in backend.heard[1][-1].text
    stubborn = ScriptedBackend([call((-1, 0, 9, 9)), call((0, 0, 5000, 9)), call((0, 0, 1, 1))])
    told = ask(stubborn, windows)
    assert len(stubborn.heard) == 2 and not told.places and len(told.notes) == 2


def test_more_zooms_than_allowed_are_refused(windows: RasterWindows) -> None:
    backend = ScriptedBackend([call((0, 0, 250, 250)), call((0, 0, 250, 250)), call((0, 0, 150, 150)), NONE])
    found = ask(backend, windows, max_zooms=2)
    assert len(found.looks) == 3 and found.is_empty and "2 closer looks" in found.notes[0]


def test_a_call_for_what_is_shown_already_is_refused(windows: RasterWindows) -> None:
    backend = ScriptedBackend([call((0, 0, 360, 280)), NONE])
    found = ask(backend, windows)
    assert len(found.looks) == 1 and "the last picture shows" in found.notes[0]


def test_a_box_belongs_to_the_picture_that_its_line_names(windows: RasterWindows) -> None:
    said = "10,10,40,40 square\n100,50,200,150 field in the first image"
    found = ask(ScriptedBackend([call((200, 100, 300, 200)), said]), windows)
    inside, outside = sorted(found.places, key=lambda place: place.step, reverse=True)
    assert (inside.step, outside.step) == (1, 0)
    overview, crop = (look.picture for look in found.looks)
    steps = np.array([SIZE.width_px / overview.size.width_px, SIZE.height_px / overview.size.height_px])
    assert np.allclose(outside.quad_px.min(axis=0), np.array([100, 50]) * steps)
    assert inside.quad_px.min() >= min(crop.window_px[:2])


def test_a_call_without_words_has_a_sentence_all_the_same(windows: RasterWindows) -> None:
    bare = call((0, 0, 200, 200)).partition("\n")[2]
    wordy = "<think>secret</think>" + "very " * 500 + "\nmuch" + bare
    for text, reason in ((bare, ASKED), (wordy, "very ")):
        looks = ask(ScriptedBackend([text, NONE]), windows).looks
        assert looks[1].reason.startswith(reason) and len(looks[1].reason) <= 200
        assert "\n" not in looks[1].reason


def test_stopping_in_mid_answer_keeps_what_was_shown(windows: RasterWindows) -> None:
    said: list[str] = []
    backend = ScriptedBackend([call((0, 0, 200, 200)), "1,2,3,4 square\n" * 50])
    found = ask(backend, windows, on_text=said.append, is_cancelled=lambda: len(said) > 18)
    assert found.stop is Stop.CANCELLED and len(found.looks) == 2
    assert len(said) < 25


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda item: item.name)
@settings(max_examples=15, deadline=None)
@given(
    numbers=st.lists(
        st.one_of(
            st.lists(st.one_of(st.integers(-5, 2000), st.just(10**40), st.floats()), min_size=3, max_size=5),
            st.text(max_size=12),
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_no_answer_makes_it_raise_or_go_on_without_end(family: Family, numbers: list[object]) -> None:
    source = FrameWindows(painted(SizeWH(900, 700), ((300, 300, 500, 500), GREEN)))
    texts = [call(item) if isinstance(item, list) else f'[{{"bbox_2d": {item}}}]' for item in numbers]  # type: ignore[arg-type]
    texts += [f'[{{"bbox_2d": {item}, "label": "a"}}]' for item in numbers]
    asked = iter([*texts, *[texts[-1]] * 50])
    found = ask(ScriptedBackend(lambda _: next(asked), family), source)
    assert len(found.looks) <= 1 + 3 and len(found.usage) <= 9
    for place in found.places:
        assert np.isfinite(place.quad_px).all()
        assert (place.quad_px >= -1e-6).all() and (place.quad_px <= [900 + 1e-6, 700 + 1e-6]).all()


def test_strips_that_no_model_can_see_are_refused() -> None:
    thin = FrameWindows(np.full((2, 900, 3), 9, np.uint8))
    with pytest.raises(BadInputError, match="too narrow"):
        ask(ScriptedBackend([NONE]), thin)


def test_frames_are_shown_as_models_see_them() -> None:
    frame = FrameWindows(painted(SizeWH(1800, 1200), ((600, 400, 900, 700), MAGENTA)))
    picture = frame.read((0, 0, 1800, 1200), RSCOVLM, BUDGET)
    assert np.array_equal(seen(picture.part), picture.pixels)
    (box,) = boxes_of(picture.pixels, MAGENTA)
    corners = np.array(box, dtype=float).reshape(2, 2)
    back = picture.in_source(corners, picture.size, RSCOVLM.coordinates)
    assert np.abs(back.ravel() - [600, 400, 900, 700]).max() <= 4
