"""Control points: set by two clicks, listed, kept, and held to by the next locating."""

from __future__ import annotations

import json
import shutil

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY
from qgis.gui import QgsVertexMarker
from qgis.PyQt.QtCore import Qt
from qgis_helpers import wait_until

from rs_copilot_plugin.presenters.controls import PickStage, read_points
from rs_copilot_plugin.presenters.locate import Stage

METRES = "EPSG:32633"


@pytest.fixture
def bench(workbench, world, tmp_path):
    """The clip, its raster and its scene in a folder of their own, paused at a located frame."""
    for name in ("satellite.tif", "clip.mp4", "clip.srt", "scene.gpkg"):
        shutil.copy(world / name, tmp_path / name)
    workbench.iface.canvas.setDestinationCrs(QgsCoordinateReferenceSystem(METRES))
    workbench.add_paths([tmp_path / "satellite.tif", tmp_path / "clip.mp4"])
    workbench.open_scene(tmp_path / "scene.gpkg")
    wait_until(lambda: workbench.player.player.is_open, what="video")
    wait_until(workbench.player.sampled_times_s, what="frames")
    show(workbench, 2.0)
    workbench.video.control_button.setChecked(True)
    return workbench


def show(bench, time_s):
    bench.player.seek(time_s)
    wait_until(lambda: abs(bench.player.shown_s - time_s) < 0.01, what="the frame")


def truth_at(world, time_s, uv):
    h = json.loads((world / "truth.json").read_text())[f"{time_s:.1f}"]
    x, y = uv[0] * 480, uv[1] * 270
    return QgsPointXY(h[0] * x + h[1] * y + h[2], h[3] * x + h[4] * y + h[5])


def click(bench, uv, point):
    bench.video.view.clicked.emit(uv)
    assert bench.controls.picker.stage is PickStage.MAP
    assert bench.iface.canvas.mapTool() is bench.controls.tool
    bench.controls.tool.canvasClicked.emit(point, Qt.MouseButton.LeftButton)


def test_two_clicks_make_a_pair_that_is_listed_kept_and_removable(bench, world, tmp_path):
    box = bench.video.control_box
    assert not box.isHidden() and "picture" in box.hint_label.text()
    click(bench, (0.25, 0.75), truth_at(world, 2.0, (0.25, 0.75)))
    assert bench.iface.canvas.mapTool() is not bench.controls.tool, "the former tool is back"
    assert box.list.count() == 1 and "120, 202 px" in box.list.item(0).text()
    (point,) = read_points(tmp_path / "clip_control.csv")
    assert point.time_s == pytest.approx(2.0) and (point.x_px, point.y_px) == (120.0, 202.5)
    assert bench.overlay.to_canvas((point.lon, point.lat), "EPSG:4326").distance(
        truth_at(world, 2.0, (0.25, 0.75))
    ) == pytest.approx(0.0, abs=0.05)
    assert bench.video.view._pins == [pytest.approx((0.25, 0.75))]
    assert len(markers(bench)) == 1
    assert bench.panel.clips.clips[0].control_points == 1
    show(bench, 4.0)
    assert bench.video.view._pins == [], "pins belong to their frame"
    box.list.itemClicked.emit(box.list.item(0))
    wait_until(lambda: bench.video.view._pins, what="the frame of the point")
    box.remove_button.click()
    assert box.list.count() == 0 and not (tmp_path / "clip_control.csv").exists()
    assert markers(bench) == []


def markers(bench):
    return [item for item in bench.iface.canvas.scene().items() if isinstance(item, QgsVertexMarker)]


def test_points_come_back_with_their_clip_and_leave_with_the_mode(bench, world, tmp_path):
    click(bench, (0.5, 0.5), truth_at(world, 2.0, (0.5, 0.5)))
    bench.player.close()
    assert bench.controls.points == [] and markers(bench) == []
    bench.show_clip(str(tmp_path / "clip.mp4"))
    wait_until(lambda: bench.player.player.is_open, what="video")
    assert len(bench.controls.points) == 1
    bench.video.control_button.setChecked(True)
    assert len(markers(bench)) == 1
    bench.video.control_button.setChecked(False)
    assert markers(bench) == [] and bench.video.control_box.isHidden()


def test_a_frame_between_the_sampled_ones_is_not_pointed_at(bench):
    show(bench, 2.2)
    bench.video.view.clicked.emit((0.5, 0.5))
    assert bench.controls.picker.stage is PickStage.PICTURE
    assert "nearest frame" in bench.video.control_box.hint_label.text()
    wait_until(lambda: bench.player.shown_s == pytest.approx(2.0, abs=0.01), what="the sampled frame")


def drag(bench, start, end, *, turning=False):
    tool = bench.controls.drag.tool
    assert bench.iface.canvas.mapTool() is tool
    tool.grabbed.emit(start)
    tool.dragged.emit(end, turning)
    tool.dropped.emit()


def test_a_frame_is_dragged_turned_listed_kept_and_removed(bench, world, tmp_path):
    box = bench.video.control_box
    box.drag_button.setChecked(True)
    assert "Shift" in box.hint_label.text()
    start = truth_at(world, 2.0, (0.5, 0.5))
    drag(bench, QgsPointXY(start.x() + 900.0, start.y()), start)
    assert box.list.count() == 0, "grabbed beside the frame"
    drag(bench, start, QgsPointXY(start.x() + 30.0, start.y() - 10.0))
    assert box.list.count() == 1 and "frame dragged" in box.list.item(0).text()
    points = read_points(tmp_path / "clip_control.csv")
    assert len(points) == 4 and all(point.sigma_m > 0.5 for point in points)
    for point in points:
        true = truth_at(world, 2.0, (point.x_px / 480, point.y_px / 270))
        now = bench.overlay.to_canvas((point.lon, point.lat), "EPSG:4326")
        assert (now.x() - true.x(), now.y() - true.y()) == pytest.approx((30.0, -10.0), abs=0.1)
    assert bench.controls.drag.band is not None and bench.video.view._pins == [] and markers(bench) == []
    # From where it is now, a quarter turn: still one entry.
    centre = QgsPointXY(start.x() + 30.0, start.y() - 10.0)
    drag(
        bench,
        QgsPointXY(centre.x() + 5.0, centre.y()),
        QgsPointXY(centre.x(), centre.y() + 5.0),
        turning=True,
    )
    turned = read_points(tmp_path / "clip_control.csv")
    assert box.list.count() == 1 and len(turned) == 4 and turned != points
    assert bench.panel.clips.clips[0].control_points == 1
    show(bench, 4.0)
    assert bench.controls.drag.band is None, "the drag belongs to its frame"
    show(bench, 2.0)
    box.remove_button.click()
    assert box.list.count() == 0 and not (tmp_path / "clip_control.csv").exists()
    assert bench.controls.drag.band is None
    bench.video.control_button.setChecked(False)
    assert bench.iface.canvas.mapTool() is not bench.controls.drag.tool


def test_the_pointer_drags_what_it_grabs(bench, world):
    from qgis.PyQt.QtTest import QTest

    canvas = bench.iface.canvas
    bench.video.control_box.drag_button.setChecked(True)
    canvas.setCenter(truth_at(world, 2.0, (0.5, 0.5)))
    spot = canvas.getCoordinateTransform().transform(truth_at(world, 2.0, (0.5, 0.5))).toQPointF().toPoint()
    plain, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    QTest.mousePress(canvas.viewport(), left, plain, spot)
    assert bench.controls.drag._start is not None
    bench.controls.drag.tool.dragged.emit(truth_at(world, 2.0, (0.6, 0.5)), False)
    assert bench.controls.drag.band is not None
    QTest.mouseRelease(canvas.viewport(), left, plain, spot)
    assert bench.controls.drag._start is None and len(bench.controls.points) == 4


def test_the_next_locating_holds_to_the_point(bench, world, tmp_path):
    """A point that is off by 4 m: the frame follows the user, not the picture."""
    told = truth_at(world, 2.0, (0.5, 0.5))
    told.setX(told.x() + 4.0)
    click(bench, (0.5, 0.5), told)
    bench.dock.every_spin.setValue(1.0)
    bench.new_scene()
    bench.dock.locate_button.click()
    assert bench.panel.stage is Stage.RUNNING
    wait_until(lambda: bench.panel.stage is Stage.IDLE, 120, "the job")
    wait_until(lambda: len(bench.player.sampled_times_s()) == 8, what="the new frames")

    def off_by():
        (x, y), _ = bench.player._frames.ground_at(2.0, (0.5, 0.5))
        return told.distance(QgsPointXY(x, y))

    # The first places come before the points have their say.
    wait_until(lambda: off_by() < 0.5, what="the final place")
