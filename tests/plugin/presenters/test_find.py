"""Finding objects: what lacks, what the engine is asked for, and which scene it goes to."""

from __future__ import annotations

import pytest

from rs_copilot_plugin.presenters.clips import sort_paths
from rs_copilot_plugin.presenters.find import (
    MOTION,
    SHIPPED,
    DetectorKind,
    FindPanel,
    Where,
    kept_detectors,
    kind_of,
    raster_of,
    split_names,
)
from rs_copilot_plugin.presenters.jobs import JobQueue
from rs_copilot_plugin.presenters.locate import Lack, LocatePanel, Request, Stage

XYZ = "url=type=xyz&url=https://tile.example/{z}/{x}/{y}.png"


@pytest.fixture
def folder(tmp_path):
    for name in ("clip.mp4", "town.tif", "boats.onnx", "scene.gpkg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "owl").mkdir()
    return tmp_path


@pytest.fixture
def panel(folder):
    inputs = LocatePanel()
    inputs.choose_satellite(str(folder / "town.tif"))
    inputs.clips.add(sort_paths([folder / "clip.mp4"]).clips)
    return FindPanel(inputs)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (SHIPPED, DetectorKind.SHIPPED),
        (MOTION, DetectorKind.MOTION),
        ("onnx:C:\\nets\\a.onnx", DetectorKind.ONNX),
        ("hf:/models/owl", DetectorKind.FOLDER),
        ("onnx:", DetectorKind.SHIPPED),
        ("", DetectorKind.SHIPPED),
    ],
)
def test_a_detector_says_where_it_comes_from(name, kind):
    assert kind_of(name) is kind


def test_own_detectors_are_kept_latest_first_while_their_files_are_there(folder):
    boats, owl = f"onnx:{folder / 'boats.onnx'}", f"hf:{folder / 'owl'}"
    gone = f"onnx:{folder / 'gone.onnx'}"
    assert kept_detectors([boats, gone, "", SHIPPED], owl) == [owl, boats]
    assert kept_detectors([owl, boats], boats) == [boats, owl]
    assert kept_detectors([], SHIPPED) == []


def test_names_are_split_and_come_once():
    assert split_names(" car, white van ,,car") == ["car", "white van"]
    assert split_names("  ") == []


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("https://host/a.tif", "https://host/a.tif"),
        ("/vsicurl/https://host/a.tif|option:X=1", "/vsicurl/https://host/a.tif"),
        ("/vsis3/bucket/a.tif", "/vsis3/bucket/a.tif"),
        (XYZ, None),
        ("<GDAL_WMS></GDAL_WMS>", None),
        ("", None),
        ("/nowhere/at/all.tif", None),
    ],
)
def test_what_gdal_can_fetch_is_a_raster(source, wanted):
    assert raster_of(source) == wanted


def test_a_search_in_the_raster(panel, folder):
    panel.classes, panel.min_score = "car, boat", 0.4
    assert panel.lacks(False, 0) == []
    scene = panel.scene(False, folder)
    assert scene == folder / "town_scene.gpkg"
    (request,) = panel.requests(scene, False, "1,2,3,4")
    assert request.method == "detect" and request.title == "town.tif" and request.goes_on
    assert request.params == {
        "source": str(folder / "town.tif"),
        "out": str(scene),
        "detector": SHIPPED,
        "classes": ["car", "boat"],
        "min_score": 0.4,
        "region": "1,2,3,4",
    }


def test_a_raster_from_the_network_is_searched_in_place(panel, folder):
    panel.inputs.choose_satellite("/vsicurl/https://host/city.tif")
    assert panel.lacks(False, 0) == []
    assert panel.scene(False, folder / "owl") == folder / "owl" / "city_scene.gpkg"
    assert panel.requests(folder / "s.gpkg", False)[0].params["source"] == "/vsicurl/https://host/city.tif"


def test_what_a_search_lacks(panel, folder):
    panel.where = Where.SELECTION
    assert panel.lacks(False, 0) == [Lack.SELECTION] and panel.lacks(False, 2) == []
    panel.where, panel.detector = Where.WHOLE, MOTION
    assert panel.lacks(False, 0) == [Lack.NOTHING_MOVES]
    panel.detector = f"onnx:{folder / 'gone.onnx'}"
    assert panel.lacks(False, 0) == [Lack.DETECTOR_GONE]
    panel.detector = f"hf:{folder / 'owl'}"
    assert panel.lacks(False, 0) == [Lack.PHRASES]
    panel.classes = "pool"
    assert panel.lacks(False, 0) == []
    panel.inputs.choose_satellite(XYZ)
    assert panel.lacks(False, 0) == [Lack.NO_RASTER_FILE]
    panel.inputs.choose_satellite(None)
    panel.inputs.stage = Stage.RUNNING
    assert panel.lacks(False, 0) == [Lack.BUSY, Lack.SATELLITE]


def test_a_clip_without_a_place_is_located_first(panel, folder):
    panel.clip, panel.detector, panel.where = folder / "clip.mp4", MOTION, Where.SELECTION
    assert panel.looks_at_clip and panel.lacks(False, 0) == []
    scene = panel.scene(False, folder)
    assert scene == folder / "clip_scene.gpkg"
    first, second = panel.requests(scene, False)
    assert first.method == "localize" and first.params["out"] == str(scene)
    assert second.params == {"source": str(folder / "clip.mp4"), "out": str(scene), "detector": MOTION}
    assert second.needs_former and not second.goes_on


def test_a_located_clip_needs_no_raster(panel, folder):
    panel.inputs.choose_satellite(None)
    panel.inputs.use_scene(folder / "scene.gpkg")
    panel.clip = folder / "clip.mp4"
    assert panel.lacks(True, 0) == [] and panel.lacks(False, 0) == [Lack.SATELLITE]
    assert panel.scene(True, folder) == folder / "scene.gpkg"
    (request,) = panel.requests(folder / "scene.gpkg", True)
    assert not request.needs_former and "region" not in request.params


def test_a_clip_that_was_removed_is_not_searched(panel, folder):
    panel.clip = folder / "clip.mp4"
    panel.inputs.clips.remove([folder / "clip.mp4"])
    assert not panel.looks_at_clip


def test_another_raster_begins_another_scene(panel, folder):
    panel.inputs.use_scene(folder / "scene.gpkg", folder / "town.tif")
    assert panel.scene(False, folder) == folder / "scene.gpkg", "so that a broken search goes on"
    (folder / "city.tif").write_bytes(b"x")
    panel.inputs.choose_satellite(str(folder / "city.tif"))
    assert panel.scene(False, folder) == folder / "city_scene.gpkg"
    panel.inputs.choose_satellite(None)
    with pytest.raises(ValueError, match="raster"):
        panel.scene(False, folder)


class _Error:
    is_cancelled = False


def test_what_needs_the_former_call_is_not_made_after_it_failed():
    started, ended = [], []
    queue = JobQueue(started.append, ended.append)
    first, second, third = (
        Request("localize", {}, "a"),
        Request("detect", {}, "a", needs_former=True),
        Request("export", {}, "b"),
    )
    queue.run([first, second, third])
    queue.failed(_Error())
    assert started == [first, third] and queue.share_done(0, 1) == 0.5
    queue.succeeded({})
    assert [request for request, _ in ended[0].errors] == [first]
    queue.run([first, second])
    queue.succeeded({})
    assert started[-1] is second
