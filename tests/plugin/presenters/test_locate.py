"""What the panel takes, what it lacks, and what it asks the engine for."""

from __future__ import annotations

import pytest

from rs_copilot_plugin.presenters.clips import ClipList, find_telemetry, sort_paths
from rs_copilot_plugin.presenters.frames import FrameRow
from rs_copilot_plugin.presenters.jobs import JobQueue
from rs_copilot_plugin.presenters.locate import (
    Lack,
    LocatePanel,
    Stage,
    TelemetryUse,
    clips_of_scene,
    local_file_of,
    scene_beside,
)
from rs_copilot_plugin.presenters.scene import summarise


@pytest.fixture
def folder(tmp_path):
    for name in ("DJI_01.MP4", "dji_01.srt", "other.mp4", "notes.txt", "town.tif"):
        (tmp_path / name).write_bytes(b"x")
    stills = tmp_path / "stills"
    stills.mkdir()
    (stills / "a.jpg").write_bytes(b"x")
    (stills / "Telemetry.csv").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_telemetry_is_found_whatever_the_case(folder):
    assert find_telemetry(folder / "DJI_01.MP4").name == "dji_01.srt"
    assert find_telemetry(folder / "stills").name == "Telemetry.csv"
    assert find_telemetry(folder / "other.mp4") is None
    assert find_telemetry(folder / "nowhere" / "x.mp4") is None


def test_a_drop_is_sorted(folder):
    names = ("DJI_01.MP4", "dji_01.srt", "notes.txt", "town.tif", "stills", "empty")
    found = sort_paths([folder / name for name in names])
    assert [clip.name for clip in found.clips] == ["DJI_01.MP4", "stills"]
    assert [path.name for path in found.telemetry] == ["dji_01.srt"]
    assert [path.name for path in found.rasters] == ["town.tif"]
    assert [path.name for path in found.refused] == ["notes.txt", "empty"]


def test_clips_come_once_and_telemetry_finds_its_clip(folder):
    clips = ClipList()
    fresh = sort_paths([folder / "DJI_01.MP4", folder / "other.mp4"]).clips
    assert len(clips.add(fresh)) == 2 and clips.add(fresh) == []
    assert not clips.attach_telemetry(folder / "unrelated.srt")
    clips.remove([folder / "other.mp4"])
    assert clips.attach_telemetry(folder / "unrelated.srt"), "the only clip takes it"
    assert clips.clips[0].telemetry == folder / "unrelated.srt"


@pytest.mark.parametrize(
    "source",
    [
        "type=xyz&url=https://tile.example/{z}/{x}/{y}.png",
        "contextualWMSLegend=0&crs=EPSG:3857&url=http://wms.example",
        "/vsicurl/https://host/a.tif",
        "https://host/a.tif",
        "<GDAL_WMS></GDAL_WMS>",
        "PG:host=x",
        "",
        "/nowhere/at/all.tif",
    ],
)
def test_sources_without_a_local_file(source):
    assert local_file_of(source) is None


def test_sources_with_a_local_file(folder):
    tif = folder / "town.tif"
    assert local_file_of(str(tif)) == tif
    assert local_file_of(f"{tif}|option:OVERVIEW_LEVEL=1") == tif
    assert local_file_of(f"GPKG:{tif}:table") == tif


def test_what_is_lacking_is_said_in_order(folder):
    panel = LocatePanel()
    assert panel.lacks_to_locate() == [Lack.SATELLITE, Lack.CLIPS]
    panel.choose_satellite("type=xyz&url=https://x")
    assert panel.lacks_to_locate()[0] is Lack.REMOTE_SATELLITE
    panel.choose_satellite(str(folder / "town.tif"))
    panel.clips.add(sort_paths([folder / "DJI_01.MP4"]).clips)
    assert panel.lacks_to_locate() == []
    assert panel.lacks_to_use_scene() == [Lack.SCENE]
    panel.stage = Stage.RUNNING
    assert panel.lacks_to_locate() == [Lack.BUSY]


def test_requests_carry_what_was_chosen(folder):
    panel = LocatePanel(telemetry_use=TelemetryUse.ATTITUDE, every_s=0.5)
    panel.choose_satellite(str(folder / "town.tif"))
    panel.clips.add(sort_paths([folder / "DJI_01.MP4", folder / "other.mp4"]).clips)
    first, second = panel.locate_requests(folder / "s.gpkg")
    assert first.method == "localize"
    assert first.params == {
        "clip": str(folder / "DJI_01.MP4"),
        "satellite": str(folder / "town.tif"),
        "out": str(folder / "s.gpkg"),
        "use_telemetry": "attitude",
        "every_s": 0.5,
        "telemetry": str(folder / "dji_01.srt"),
    }
    assert "telemetry" not in second.params
    panel.telemetry_use = TelemetryUse.NONE
    assert "telemetry" not in panel.locate_requests(folder / "s.gpkg")[0].params


def test_a_new_scene_never_overwrites(folder):
    clips = sort_paths([folder / "DJI_01.MP4"]).clips
    first = scene_beside(folder / "town.tif", clips)
    assert first.name == "DJI_01_scene.gpkg"
    first.write_bytes(b"x")
    assert scene_beside(folder / "town.tif", clips).name == "DJI_01_scene_2.gpkg"


def test_clips_of_a_scene_are_found_after_a_move(folder):
    scene = folder / "scene.gpkg"
    recorded = [str(folder / "other.mp4"), "/elsewhere/DJI_01.MP4", "relative/stills", "/gone/missing.mp4"]
    assert [path.name for path in clips_of_scene(scene, recorded)] == ["other.mp4", "DJI_01.MP4", "stills"]


def test_another_raster_begins_another_scene(folder):
    (folder / "city.tif").write_bytes(b"x")
    panel = LocatePanel()
    with pytest.raises(ValueError, match="raster"):
        panel.scene_for_locate()
    panel.choose_satellite(str(folder / "town.tif"))
    panel.clips.add(sort_paths([folder / "DJI_01.MP4"]).clips)
    first = panel.scene_for_locate()
    panel.use_scene(first, panel.satellite)
    assert panel.scene_for_locate() == first
    first.write_bytes(b"x")
    panel.choose_satellite(str(folder / "city.tif"))
    assert panel.scene_for_locate() != first
    panel.use_scene(first)
    assert panel.scene_for_locate() == first, "of an opened scene the raster is not known"


class _Error:
    def __init__(self, is_cancelled):
        self.is_cancelled = is_cancelled


def test_one_bad_clip_does_not_stop_the_rest_but_cancel_does(folder):
    panel = LocatePanel()
    panel.clips.add(sort_paths([folder / "DJI_01.MP4", folder / "other.mp4"]).clips)
    requests = panel.locate_requests(folder / "s.gpkg")
    started, ended = [], []
    queue = JobQueue(started.append, ended.append)
    queue.run(requests)
    with pytest.raises(RuntimeError):
        queue.run(requests)
    queue.failed(_Error(False))
    assert queue.share_done(1, 2) == 0.75
    queue.succeeded({"ok": 1})
    assert len(started) == 2 and len(ended[0].results) == 1 and len(ended[0].errors) == 1
    queue.run(requests)
    queue.failed(_Error(True))
    assert ended[1].cancelled and len(started) == 3


def test_summary_counts_states():
    rows = [FrameRow(i, i, "located", error_m=float(i)) for i in range(3)]
    rows += [FrameRow(9, 9, "unlocated", reason="water"), FrameRow(10, 10, "tracked", error_m=9.0)]
    found = summarise(rows)
    assert (found.located, found.tracked, found.unlocated, found.total) == (3, 1, 1, 5)
    assert found.median_error_m == 2.0 and found.main_reason == "water"
    assert summarise([]).median_error_m is None
