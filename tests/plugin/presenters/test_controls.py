"""Control points: what a click means, and the table that the engine reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.localization.controls import read_controls
from rs_copilot_plugin.presenters.clips import sort_paths
from rs_copilot_plugin.presenters.controls import (
    ControlFileError,
    ControlPicker,
    ControlPoint,
    PickStage,
    control_file,
    count_points,
    nearest_sample,
    read_points,
    write_points,
)
from rs_copilot_plugin.presenters.locate import LocatePanel

POINT = ControlPoint(3.2, 240.5, 135.25, 14.42111111, 50.08722222)

points = st.builds(
    ControlPoint,
    st.floats(0, 1e5),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
    st.floats(-180, 180),
    st.floats(-90, 90),
)


def test_first_the_picture_then_the_map_and_so_on():
    picker = ControlPicker()
    assert not picker.take_picture(1.0, (2.0, 3.0)) and picker.take_map((14.0, 50.0)) is None
    picker.switch(True)
    assert picker.take_map((14.0, 50.0)) is None, "the map comes second"
    assert picker.take_picture(1.0, (2.0, 3.0)) and picker.stage is PickStage.MAP
    assert picker.take_picture(1.5, (4.0, 5.0)), "another click in the picture replaces the first"
    assert picker.take_map((14.0, 50.0)) == ControlPoint(1.5, 4.0, 5.0, 14.0, 50.0)
    assert picker.stage is PickStage.PICTURE, "ready for the next pair"


def test_switching_off_forgets_half_a_pair():
    picker = ControlPicker()
    picker.switch(True)
    picker.take_picture(1.0, (2.0, 3.0))
    picker.switch(False)
    picker.switch(True)
    assert picker.take_map((14.0, 50.0)) is None


@settings(deadline=None, max_examples=30)
@given(st.lists(points, min_size=1, max_size=5))
def test_the_engine_reads_what_the_panel_writes(tmp_path_factory, chosen):
    path = tmp_path_factory.mktemp("controls") / "clip_control.csv"
    write_points(path, chosen)
    for wanted, found in zip(chosen, read_controls(path), strict=True):
        assert found.key == "time_s"
        assert float(found.value) == pytest.approx(wanted.time_s, abs=1e-6)
        assert tuple(found.point_px) == pytest.approx((wanted.x_px, wanted.y_px), abs=0.0051)
        assert found.position.lon_deg == pytest.approx(wanted.lon, abs=1e-8)
        assert found.position.lat_deg == pytest.approx(wanted.lat, abs=1e-8)
    assert len(read_points(path)) == len(chosen)


def test_without_points_there_is_no_file(tmp_path):
    path = control_file(tmp_path / "flight.mp4")
    assert path.name == "flight_control.csv" and read_points(path) == []
    write_points(path, [POINT])
    assert read_points(path) == [POINT]
    write_points(path, [])
    assert not path.exists()


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "time_s,x_px,y_px,lon,lat\n1,2,3,east,5\n", "\0"])
def test_another_table_is_refused_in_words(tmp_path, text):
    path = control_file(tmp_path / "flight.mp4")
    path.write_text(text)
    if text == "\0":
        path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ControlFileError, match=r"flight_control\.csv cannot be read"):
        read_points(path)
    assert count_points(tmp_path / "flight.mp4") == 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(ControlFileError, match="cannot be written"):
        write_points(tmp_path / "nowhere" / "clip_control.csv", [POINT])


@pytest.mark.parametrize(
    ("times_s", "shown_s", "wanted_s"),
    [
        ([], 1.3, None),
        ([0.0, 0.5, 1.0], 0.5004, None),
        ([0.0, 0.5, 1.0], 0.7, 0.5),
        ([0.0, 0.5, 1.0], 9.0, 1.0),
    ],
)
def test_points_are_set_in_frames_that_are_located(times_s, shown_s, wanted_s):
    assert nearest_sample(times_s, shown_s) == wanted_s


def test_locate_uses_the_points_of_each_clip(tmp_path):
    for name in ("a.mp4", "b.mp4", "map.tif"):
        (tmp_path / name).write_bytes(b"x")
    write_points(control_file(tmp_path / "a.mp4"), [POINT])
    panel = LocatePanel()
    panel.clips.add(sort_paths([tmp_path / "a.mp4", tmp_path / "b.mp4"]).clips)
    panel.choose_satellite(str(tmp_path / "map.tif"))
    first, second = panel.locate_requests(tmp_path / "scene.gpkg")
    assert first.params["control"] == str(tmp_path / "a_control.csv")
    assert "control" not in second.params
    panel.clips.set_control_points(tmp_path / "a.mp4", 0)
    assert "control" not in panel.locate_requests(tmp_path / "scene.gpkg")[0].params
