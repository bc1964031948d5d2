"""What a model is told and shown for each source and task, and where its boxes lie."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import av
import numpy as np
import pyproj
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rasterio.transform import Affine

from rs_copilot.errors import CancelledError, MissingCrsError, OutOfMemoryError, UsageError
from rs_copilot.jobs import look, shelf
from rs_copilot.jobs.backends import BackendSpec
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.look_params import LookParams, Source
from rs_copilot.jobs.look_pictures import PictureShelf
from rs_copilot.jobs.look_place import ScenePlaces, between
from rs_copilot.jobs.registry import run_job
from rs_copilot.jobs.shelf import Shelf
from rs_copilot.types import Frame, FrameStatus, Placement, SizeWH
from rs_copilot.vector import store
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vlm.backend import Decoding
from rs_copilot.vlm.families import QWEN3_VL, RSCOVLM
from rs_copilot.vlm.messages import Role
from rs_copilot.vlm.resize import PixelBudget
from rs_copilot.vlm.scripted import ScriptedBackend

UTM = pyproj.CRS.from_epsg(32633)
TO_LONLAT = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
# Turned by 30 degrees, so that nothing is right by chance.
PLACE = Affine.translation(500_000, 5_300_000) * Affine.rotation(30) * Affine.scale(0.5, -0.5)


@pytest.fixture(scope="module")
def raster(tmp_path_factory) -> Path:
    """1200 x 800 pixels; red grows to the right and green downwards."""
    path = tmp_path_factory.mktemp("look") / "map.tif"
    red = np.broadcast_to(np.linspace(1, 250, 1200), (800, 1200))
    green = np.broadcast_to(np.linspace(1, 250, 800)[:, None], (800, 1200))
    with rasterio.open(
        path, "w", driver="GTiff", width=1200, height=800, count=3, dtype="uint8", crs=UTM, transform=PLACE
    ) as out:
        out.write(np.stack([red, green, np.full_like(red, 9)]).astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """2 s of 280 x 168 pixels at 10 frames a second; frame n is grey level 12 n."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = 280, 168, "yuv420p"
        for n in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((168, 280, 3), 12 * n, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def backend(monkeypatch) -> ScriptedBackend:
    made = ScriptedBackend(lambda _: "There are none.")
    monkeypatch.setattr(shelf, "open_backend", lambda spec, device: made)
    return made


def ask(*turns: dict, **params) -> look.LookResult:
    return run_job("look", {"model": "m", "turns": list(turns), **params}, JobContext())


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text[text.index("[") : text.index("]")])]


CENTER = PLACE * (600, 400)
BOXES = [(CENTER[0] - half, CENTER[1] - half, CENTER[0] + half, CENTER[1] + half) for half in (60, 70)]


def lonlat(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [TO_LONLAT.transform(*(PLACE * point)) for point in points]


def test_a_box_on_the_map_is_shown_at_its_own_resolution_and_boxes_come_back(backend, raster):
    backend.script = lambda _: "0,0,100,0,100,50,0,50 ship\n"
    west, south, east, north = 400.0, 300.0, 680.0, 524.0
    corners = np.array(lonlat((west, south), (east, south), (east, north), (west, north)))
    extent = [*corners.min(axis=0), *corners.max(axis=0)]
    result = ask(
        {
            "source": {"kind": "raster", "path": str(raster), "extent": extent},
            "task": "detect",
            "text": "ship",
        }
    )
    part = backend.heard[0][-1].pictures[0]
    # The extent is upright on the map, and the raster is turned: the window around it is larger.
    assert part.size.width_px >= 280
    assert part.size.height_px >= 224
    ship = result.objects[0]
    left, top = ship.box_px[:2]
    assert left <= west
    assert top <= south
    # What is at the box's corner in the raster is at the picture's corner.
    with rasterio.open(raster) as source:
        at = source.read([1, 2], window=((round(top), round(top) + 1), (round(left), round(left) + 1)))
    assert np.abs(part.pixels[0, 0, :2].astype(int) - at.ravel()).max() <= 1
    x1, y1, x2, y2 = ship.box_px
    np.testing.assert_allclose(ship.polygon, lonlat((x1, y1), (x2, y1), (x2, y2), (x1, y2)), atol=1e-9)


def test_the_whole_raster_is_shown_within_the_budget_and_boxes_are_scaled_back(backend, raster):
    backend.script = lambda _: "0,0,56,0,56,28,0,28 ship\n"
    result = ask({"source": {"path": str(raster)}, "task": "detect", "text": "ship"}, max_px=100_000)
    part = backend.heard[0][-1].pictures[0]
    seen = backend._seen(backend.heard[0])[0]
    assert part.size.width_px * part.size.height_px <= 100_000
    expected = np.array([0, 0, 56 * 1200 / seen.width_px, 28 * 800 / seen.height_px])
    np.testing.assert_allclose(result.objects[0].box_px, expected, atol=0.51)


def test_a_crs_of_its_own_for_the_extent(backend, raster):
    point = PLACE * (600, 400)
    extent = [point[0] - 20, point[1] - 20, point[0] + 20, point[1] + 20]
    ask(
        {
            "source": {"kind": "raster", "path": str(raster), "extent": extent, "crs": "EPSG:32633"},
            "task": "caption",
        }
    )
    red, green = backend.heard[0][-1].pictures[0].pixels.mean(axis=(0, 1))[:2]
    np.testing.assert_allclose([red, green], [125.5, 125.5], atol=2)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"extent": [0, 0, 1, 1]}, "beside the raster"),
        ({"extent": [1, 1, 2, 2], "crs": "EPSG:99"}, "EPSG:99"),
    ],
)
def test_places_that_are_none_are_said(backend, raster, source, words):
    with pytest.raises(UsageError, match=words):
        ask({"source": {"kind": "raster", "path": str(raster), **source}, "task": "caption"})


def test_what_is_pointed_at_is_said_in_the_models_coordinates(backend, raster):
    quad = lonlat((500, 300), (600, 300), (600, 400), (500, 400))
    turn = {"source": {"path": str(raster), "quad": quad}, "task": "describe"}
    ask(turn)
    part = backend.heard[0][-1].pictures[0]
    # As much around it; the numbers are pixels of what the model sees.
    assert 200 <= part.size.width_px <= 202
    side_px = backend._seen(backend.heard[0])[0].width_px
    quarters = np.array([1, 1, 3, 3]) * side_px / 4
    np.testing.assert_allclose(numbers_in(backend.heard[0][-1].text), quarters, atol=2)
    backend.family = QWEN3_VL
    ask(turn)
    np.testing.assert_allclose(numbers_in(backend.heard[1][-1].text), [250, 250, 750, 750], atol=8)
    with pytest.raises(UsageError, match="pointed at"):
        ask({"source": {"path": str(raster)}, "task": "describe"})


def test_a_clip_is_shown_as_frames_with_their_times(backend, clip):
    turn = {
        "source": {"kind": "frame", "path": str(clip), "frames": 4},
        "task": "clip",
        "text": "What moves?",
    }
    ask(turn)
    said = backend.heard[0][-1]
    levels = [round(float(part.pixels.mean()) / 12) for part in said.pictures]
    assert levels == sorted(levels)
    assert (levels[0], len(levels)) == (0, 4)
    assert levels[-1] >= 18
    assert "0.0 s, 0.6 s" in said.text or "0.0 s, 0.7 s" in said.text
    turn["source"] |= {"time_s": 0.5, "until_s": 1.0, "frames": 2}
    ask(turn)
    assert [round(float(part.pixels.mean()) / 12) for part in backend.heard[1][-1].pictures] == [5, 10]
    with pytest.raises(UsageError, match="times"):
        ask({"source": {"path": str(clip), "kind": "image"}, "task": "clip", "text": "?"})


def test_a_frame_is_compared_with_the_map(backend, clip, raster):
    more = [{"kind": "raster", "path": str(raster)}]
    ask(
        {
            "source": {"kind": "frame", "path": str(clip), "time_s": 1.0, "more": more},
            "task": "compare",
            "text": "Same?",
        }
    )
    frame, window = backend.heard[0][-1].pictures
    assert abs(float(frame.pixels.mean()) - 120) < 3
    assert window.pixels[..., 2].max() == 9
    with pytest.raises(UsageError, match="one picture"):
        ask({"source": {"kind": "frame", "path": str(clip)}, "task": "compare", "text": "Same?"})


def test_a_photo_is_no_map(backend, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((56, 84, 3), 50, np.uint8)).save(path)
    backend.script = lambda _: "0,0,28,28 car\n"
    result = ask(
        {"source": {"path": str(path), "extent": [28, 0, 84, 56]}, "task": "ground", "text": "the car"}
    )
    assert result.objects[0].polygon is None
    # 56 x 56 pixels, which the model sees as 224 x 224.
    np.testing.assert_allclose(result.objects[0].box_px, [28, 0, 35, 7])
    Image.fromarray(np.zeros((56, 84, 3), np.uint8)).save(tmp_path / "lost.tif")
    with pytest.raises(MissingCrsError):
        ask({"source": {"path": str(tmp_path / "lost.tif")}, "task": "caption"})


def test_a_follow_up_shows_the_very_same_pictures(backend, raster):
    first = {"source": {"path": str(raster)}, "task": "detect", "classes": ["ship"]}
    follow = {"source": None, "task": "ask", "text": "And cars?"}
    context = JobContext(shelf=Shelf())
    run_job("look", {"model": "m", "turns": [first]}, context)
    run_job(
        "look",
        {"model": "m", "turns": [{**first, "answer": "<think>Hm.</think>\nThere are none."}, follow]},
        context,
    )
    before, after = backend.heard
    assert [message.role for message in after] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    assert after[: len(before)] == before
    assert after[1].pictures[0].digest == before[1].pictures[0].digest
    assert after[2].text == "There are none."
    # A role that is told later becomes part of the question: the start stays as it was.
    run_job(
        "look",
        {"model": "m", "turns": [{**follow, "source": first["source"], "answer": "no"}, first]},
        context,
    )
    assert [message.role for message in backend.heard[2]] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert before[0].text in backend.heard[2][-1].text


def test_answers_that_choose_are_read(backend, raster):
    source = {"path": str(raster)}
    backend.script = ["The answer is B.", "It is a beach."]
    chosen = ask({"source": source, "task": "choose", "text": "What?", "choices": ["wood", "sea"]})
    assert chosen.value == "sea"
    assert ask({"source": source, "task": "classify", "classes": ["airport", "beach"]}).value == "beach"


def test_smaller_pictures_for_want_of_memory_are_reckoned_with(backend, raster, monkeypatch):
    backend.script = lambda _: "0,0,100,100 ship\n"
    reply = backend.reply
    monkeypatch.setattr(
        backend,
        "reply",
        lambda *given: type(it := reply(*given))(it.text, it.stop, (SizeWH(280, 280),), it.usage),
    )
    quad = lonlat((100, 100), (380, 100), (380, 380), (100, 380))
    result = ask({"source": {"path": str(raster), "quad": quad}, "task": "ground", "text": "the ship"})
    x1, y1, x2, y2 = result.objects[0].box_px
    size = backend.heard[0][-1].pictures[0].size
    np.testing.assert_allclose([x2 - x1, y2 - y1], [size.width_px * 100 / 280, size.height_px * 100 / 280])


def test_a_cancelled_answer_reports_all_that_was_said(backend, raster):
    backend.script = lambda _: "one two three four"
    context = JobContext()
    heard = []

    def listen(step):
        heard.append(step.partial)
        if step.partial and "one" in step.partial["text"]:
            context.cancelled.set()

    context.on_progress = listen
    with pytest.raises(CancelledError):
        run_job(
            "look", {"model": "m", "turns": [{"source": {"path": str(raster)}, "task": "caption"}]}, context
        )
    assert heard[-1]["text"] == "one "


def test_questions_without_sense_are_refused(backend, raster):
    with pytest.raises(UsageError, match="nothing to look at"):
        ask({"task": "caption"})
    with pytest.raises(UsageError, match="at most 32"):
        turn = {
            "source": {"path": str(raster), "more": [{"path": str(raster)}] * 31},
            "task": "caption",
            "answer": "x",
        }
        ask(turn, {**turn, "answer": None})
    assert ask({"task": "chat", "text": "Hello"}).text


def placed(frame: int, time_s: float, east_m: float) -> Placement:
    matrix = np.array([[0.1, 0, 500_000 + east_m], [0, -0.1, 5_300_000], [0, 0, 1.0]])
    return Placement(frame, time_s, FrameStatus.LOCATED, 0.9, 5.0, matrix, SizeWH(280, 168))


def test_boxes_in_a_located_frame_lie_on_the_ground(backend, clip, tmp_path):
    scene = tmp_path / "scene.gpkg"
    store.create_scene(scene, UTM)
    grid, origin = Grid(UTM, UTM), Provenance("clip.mp4", "test")
    placements = [placed(0, 0.0, 0.0), placed(10, 1.0, 10.0)]
    store.append_layer(scene, "frames", frames_table(placements, grid, origin, clip_path=str(clip)))
    backend.script = lambda _: "0,0,28,28 car\n"
    turn = {
        "source": {"kind": "frame", "path": str(clip), "time_s": 1.0},
        "task": "ground",
        "text": "the car",
    }
    exact = ask(turn, scene=str(scene), out=str(scene))
    assert exact.objects[0].time_s == pytest.approx(1.0)
    np.testing.assert_allclose(
        exact.objects[0].polygon[0], TO_LONLAT.transform(500_010, 5_300_000), atol=1e-9
    )
    row = store.read_layer(scene, "groundings").iloc[0]
    assert (row["frame"], row["time_s"], row["clip"]) == (10, pytest.approx(1.0), "clip.mp4")
    turn["source"]["time_s"] = 0.5
    half = ask(turn, scene=str(scene))
    np.testing.assert_allclose(half.objects[0].polygon[0], TO_LONLAT.transform(500_005, 5_300_000), atol=1e-9)
    turn["source"]["time_s"] = 1.5
    assert ask(turn, scene=str(scene)).objects[0].polygon is None


def test_keeping_needs_a_scene_before_the_work(backend, clip, tmp_path):
    turn = {"source": {"kind": "frame", "path": str(clip)}, "task": "ground", "text": "the car"}
    with pytest.raises(UsageError, match="no scene"):
        ask(turn, out=str(tmp_path / "none.gpkg"))
    assert backend.heard == []


@given(st.floats(0.0, 2.0), st.floats(0, 280), st.floats(0, 168))
def test_between_placed_frames_the_ground_passes_evenly(time_s, x, y):
    frame = Frame(0, time_s, np.zeros((168, 280, 3), np.uint8))
    to_map = between((placed(0, 0.0, 0.0), placed(20, 2.0, 7.0)), frame)
    assert to_map is not None
    expected = [500_000 + 0.1 * x + 3.5 * time_s, 5_300_000 - 0.1 * y]
    np.testing.assert_allclose(to_map(np.array([[x, y]]))[0], expected, atol=1e-3)


def test_far_neighbours_say_nothing():
    frame = Frame(0, 2.0, np.zeros((168, 280, 3), np.uint8))
    assert between((placed(0, 0.0, 0.0), placed(90, 9.0, 7.0)), frame) is None
    assert between((placed(0, 0.0, 0.0),), frame) is None
    assert between((), frame) is None


def test_the_oldest_pictures_make_room(backend, raster):
    pictures = PictureShelf(room_bytes=400_000)
    params = {"places": ScenePlaces(), "many": False}
    budget = PixelBudget(224 * 224, 300 * 300)
    first, second = (Source(kind="raster", path=str(raster), extent=box, crs="EPSG:32633") for box in BOXES)
    shown = [pictures.read(item, RSCOVLM, budget, **params)[0] for item in (first, first, second, first)]
    assert shown[0] is shown[1]
    assert shown[0] is not shown[3]
    assert shown[0].part.digest == shown[3].part.digest


# --- the shelf


class Kept(ScriptedBackend):
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch) -> list[Kept]:
    made: list[Kept] = []

    def open_one(spec: BackendSpec, device: str) -> Kept:
        made.append(Kept([spec.name]))
        return made[-1]

    monkeypatch.setattr(shelf, "open_backend", open_one)
    return made


def test_one_model_stays_until_another_is_asked_for(opened):
    kept = Shelf()
    for name in ("a", "a", "b"):
        with kept.borrow(BackendSpec(name), "cpu"):
            assert kept.holds(BackendSpec(name), "cpu")
    assert [item.closed for item in opened] == [True, False]
    assert kept.release()
    assert opened[1].closed


def test_a_model_that_answers_goes_after_its_answer(opened):
    kept = Shelf()
    with kept.borrow(BackendSpec("a"), "cpu"):
        assert not kept.release()
        assert not opened[0].closed
    assert opened[0].closed


def test_a_model_that_nobody_asks_goes(opened):
    kept = Shelf(idle_s=0.05)
    with kept.borrow(BackendSpec("a"), "cpu"):
        pass
    wait = threading.Event()
    for _ in range(100):
        if opened[0].closed:
            break
        wait.wait(0.02)
    assert opened[0].closed


def test_after_an_error_of_memory_the_next_question_loads_afresh(opened):
    kept = Shelf()
    with pytest.raises(OutOfMemoryError), kept.borrow(BackendSpec("a"), "cpu"):
        raise OutOfMemoryError("full")
    assert opened[0].closed
    with kept.borrow(BackendSpec("a"), "cpu") as backend:
        assert backend.reply([], Decoding()).text == "a"


def test_without_a_shelf_a_question_leaves_nothing_behind(opened, raster):
    ask({"source": {"path": str(raster)}, "task": "caption"})
    assert opened[0].closed


def test_keys_are_not_shown():
    params = LookParams(turns=({"task": "chat"},), model="m", key="sk-secret")
    assert "sk-secret" not in repr(params) + params.model_dump_json() + json.dumps(
        params.model_dump(mode="json")
    )


# --- closer looks

CALL = '<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [84, 56, 140, 112]}}\n</tool_call>'


def test_a_closer_look_is_told_and_its_boxes_are_in_the_source(backend, raster):
    backend.script = [CALL, "0,0,28,28 ship\n"]
    context, partials = JobContext(), []
    context.on_progress = lambda step: partials.append(step.partial)
    turn = {"source": {"path": str(raster)}, "task": "ground", "text": "the ship"}
    before = {"source": {"path": str(raster)}, "task": "ask", "text": "Day or night?", "answer": "Day."}
    params = {"model": "m", "turns": [before, turn], "max_px": 224 * 224, "zoom": True}
    result = run_job("look", params, context)
    overview, closer = backend.heard
    assert [message.role for message in overview] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    assert overview[2].text == "Day."
    seen = backend._seen(closer)
    zoom = result.zooms[0]
    # Where it asked to look lies inside of where it looked.
    scale = np.array([1200 / seen[1].width_px, 800 / seen[1].height_px])
    x1, y1, x2, y2 = zoom.box_px
    assert (np.array([x1, y1]) <= np.array([84, 56]) * scale).all()
    assert (np.array([x2, y2]) >= np.array([140, 112]) * scale).all()
    np.testing.assert_allclose(zoom.polygon, lonlat((x1, y1), (x2, y1), (x2, y2), (x1, y2)), atol=1e-9)
    ship = result.objects[0]
    expected = [x1, y1, x1 + 28 / seen[2].width_px * (x2 - x1), y1 + 28 / seen[2].height_px * (y2 - y1)]
    np.testing.assert_allclose(ship.box_px, expected)
    told = [partial for partial in partials if partial and partial["zooms"]]
    assert told[0]["text"].endswith("</tool_call>\n")
    assert told[-1]["objects"][0]["label"] == "ship"
    assert result.usage["new_tokens"] > 3


def test_small_pictures_need_no_closer_look(backend, tmp_path):
    Image.fromarray(np.full((56, 84, 3), 50, np.uint8)).save(tmp_path / "photo.png")
    backend.script = ["a photo"]
    source = {"path": str(tmp_path / "photo.png")}
    result = ask({"source": source, "task": "ask", "text": "What?"}, zoom=True)
    assert (result.text, result.zooms, result.notes) == ("a photo", [], [])
    backend.script = ["no", "no"]
    more = {"source": {**source, "more": [source]}, "task": "compare", "text": "Same?"}
    assert "one picture" in ask(more, zoom=True).notes[0]
