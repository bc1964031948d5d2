"""A scene on the map, the video beside it, and both coupled."""

from __future__ import annotations

import json

import pytest
from qgis.core import QgsPointXY, QgsProject, QgsVectorLayerTemporalProperties
from qgis_helpers import messages_in, wait_until

from rs_copilot_plugin.layers.scene_group import LAYER_PROPERTY, SCENE_PROPERTY


@pytest.fixture
def scene_bench(workbench, world):
    """The workbench with the scene loaded and the clip paused at its start."""
    workbench.open_scene(world / "scene.gpkg")
    wait_until(
        lambda: {"frames", "footprints", "search_area"} <= set(workbench.scene.layer_names()), what="layers"
    )
    wait_until(lambda: workbench.player.player.is_open, what="video")
    wait_until(lambda: workbench.video.view.image is not None, what="first frame")
    return workbench


def scene_layers(world):
    return {
        layer.customProperty(LAYER_PROPERTY): layer
        for layer in QgsProject.instance().mapLayers().values()
        if layer.customProperty(SCENE_PROPERTY) == str(world / "scene.gpkg")
    }


def test_layers_come_into_one_group_styled_and_temporal(scene_bench, world):
    groups = [
        g for g in QgsProject.instance().layerTreeRoot().findGroups() if g.customProperty(SCENE_PROPERTY)
    ]
    assert len(groups) == 1
    order = [node.layer().customProperty(LAYER_PROPERTY) for node in groups[0].findLayers()]
    assert order == ["frames", "trajectory", "footprints", "search_area"]
    layers = scene_layers(world)
    assert all(layer.readOnly() for layer in layers.values())
    renderer = layers["frames"].renderer()
    assert [category.value() for category in renderer.categories()] == ["located", "tracked", "unlocated"]
    assert layers["frames"].temporalProperties().isActive()
    assert not layers["trajectory"].temporalProperties().isActive()


def test_temporal_filter_picks_the_moment(scene_bench, world):
    from qgis.core import QgsDateTimeRange, QgsFeatureRequest, QgsVectorLayerTemporalContext

    from rs_copilot_plugin.layers.temporal import base_datetime

    wait_until(
        lambda: not QgsProject.instance().timeSettings().temporalRange().isInfinite(), what="time range"
    )
    assert QgsProject.instance().timeSettings().temporalRange().begin() == base_datetime()
    layer = scene_layers(world)["footprints"]
    properties: QgsVectorLayerTemporalProperties = layer.temporalProperties()
    moment = QgsDateTimeRange(base_datetime().addMSecs(2000), base_datetime().addMSecs(3000), True, False)
    expression = properties.createFilterString(QgsVectorLayerTemporalContext(), moment)
    found = [f["time_s"] for f in layer.getFeatures(QgsFeatureRequest().setFilterExpression(expression))]
    assert found and all(1.0 <= t <= 3.0 for t in found)


def test_an_unlocated_frame_says_why_and_shows_where_it_may_be(scene_bench, world):
    view = scene_bench.video.view
    scene_bench.player.seek(3.0)
    wait_until(lambda: abs(scene_bench.player.shown_s - 3.0) < 0.01, what="the frame")
    assert view._badge[0] == "unlocated" and "nothing on the map" in view._detail
    assert scene_bench.overlay._item.isVisible() is False
    *parts, inner = (band.asGeometry() for band in scene_bench.areas.bands)
    outer = max(parts, key=lambda part: part.area())
    assert len(parts) == 2
    assert outer.area() > inner.area() and outer.contains(inner.centroid())
    scene_bench.player.seek(5.0)
    wait_until(lambda: abs(scene_bench.player.shown_s - 5.0) < 0.01, what="the frame")
    assert scene_bench.areas.bands == [] and view._detail == ""
    assert "97 %" in view._badge[0] and "±2.0 m" in view._badge[0]


def test_search_areas_and_tips_can_be_understood(scene_bench, world):
    from qgis.core import QgsExpression, QgsExpressionContext

    layers = scene_layers(world)
    rules = layers["search_area"].renderer().rootRule().children()
    assert sorted(len(list(layers["search_area"].getFeatures(r.filterExpression()))) for r in rules) == [1, 2]
    assert any("half" in rule.label() for rule in rules)

    def tip(name, expression):
        layer = layers[name]
        context = QgsExpressionContext()
        feature = next(layer.getFeatures(expression))
        context.setFeature(feature)
        context.setFields(layer.fields())
        return QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)

    assert "nothing on the map looks like it" in tip("frames", '"time_s" = 3')
    assert "located, ±2.0 m (90 %), score 0.97" in tip("frames", '"time_s" = 2')
    assert tip("search_area", '"probability" = 0.5').endswith("50 % · 0.6 ha")


def test_summary_reaches_the_list(scene_bench):
    from rs_copilot_plugin.gui.clip_list import SUMMARY_ROLE

    summary = scene_bench.dock.clip_list.item(0).data(SUMMARY_ROLE)
    assert (summary.located, summary.tracked, summary.unlocated) == (12, 3, 1)


def test_click_in_the_picture_is_the_right_place_on_the_map(scene_bench, world):
    truth = json.loads((world / "truth.json").read_text())
    player = scene_bench.player
    player.seek(2.0)
    wait_until(lambda: abs(player.shown_s - 2.0) < 0.05, what="seek")
    seen = []
    scene_bench.overlay.flash = lambda point, crs: seen.append((point, crs))
    scene_bench.video.view.clicked.emit((0.25, 0.75))
    h = truth["2.0"]
    x, y = 0.25 * 480, 0.75 * 270
    expected = (h[0] * x + h[1] * y + h[2], h[3] * x + h[4] * y + h[5])
    assert seen[0][1] == "EPSG:32633"
    assert seen[0][0] == pytest.approx(expected, abs=0.05)


def test_click_on_the_map_jumps_to_the_moment_and_back(scene_bench, world):
    canvas = scene_bench.iface.mapCanvas()
    canvas.setDestinationCrs(scene_layers(world)["frames"].crs())
    h = json.loads((world / "truth.json").read_text())["6.0"]
    x, y = 240, 135
    point = QgsPointXY(h[0] * x + h[1] * y + h[2], h[3] * x + h[4] * y + h[5])
    scene_bench.seek_tool.picked.emit(point)
    position_s = scene_bench.player.player.position_s
    assert abs(position_s - 6.0) <= 0.5
    uv = scene_bench.video.view._mark
    ground, _ = scene_bench.player._frames.ground_at(position_s, uv)
    assert ground == pytest.approx((point.x(), point.y()), abs=0.5)


def test_click_outside_says_so(scene_bench):
    scene_bench.seek_tool.picked.emit(QgsPointXY(1.0, 2.0))
    assert any("Not seen" in text for text in messages_in(scene_bench.iface.bar))


def test_real_mouse_click_maps_through_the_widget(scene_bench):
    from qgis.PyQt.QtCore import QPoint, Qt
    from qgis.PyQt.QtTest import QTest

    view = scene_bench.video.view
    view.resize(600, 300)
    seen = []
    view.clicked.connect(seen.append)
    box = view.picture_rect()
    QTest.mouseClick(
        view,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        QPoint(int(box.x() + box.width() * 0.5), int(box.y() + box.height() * 0.25)),
    )
    assert seen[0] == pytest.approx((0.5, 0.25), abs=0.01)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(1, 1))
    assert len(seen) == 1, "beside the picture is no click"


def test_play_moves_the_footprint_and_pauses_at_the_end(scene_bench):
    player = scene_bench.player
    player.seek(6.8)
    places = set()
    player.toggle()

    def collect():
        places.add(round(scene_bench.overlay._item.rect().center().x(), 1))
        return player.player.state.value == "paused"

    wait_until(collect, timeout_s=10, what="the end of the clip")
    assert len(places) >= 4
    assert player.player.position_s == pytest.approx(7.9, abs=0.11)


def test_frame_steps_are_exact(scene_bench):
    player = scene_bench.player
    player.seek(1.0)
    wait_until(lambda: player.player.position_s == pytest.approx(1.0, abs=0.01))
    scene_bench.video.step_wanted.emit(1)
    wait_until(lambda: player.player.position_s == pytest.approx(1.1, abs=0.01))
    scene_bench.video.step_wanted.emit(-1)
    wait_until(lambda: player.player.position_s == pytest.approx(1.0, abs=0.01))


def test_about_twenty_frames_are_drawn_in_full_and_all_in_temporal_mode(scene_bench, world):
    from qgis.core import QgsExpression, QgsExpressionContext, QgsExpressionContextScope
    from qgis.core import QgsExpressionContextUtils as Utils

    from rs_copilot_plugin.layers import styles

    layer = scene_layers(world)["footprints"]

    def drawn(step_s, duration_s, temporal=False):
        styles.set_key_spacing(layer, step_s, duration_s)
        context, scope = QgsExpressionContext(), QgsExpressionContextScope()
        context.appendScope(Utils.layerScope(layer))
        if temporal:
            scope.setVariable("map_start_time", "2000-01-01")
        context.appendScope(scope)
        count = 0
        for feature in layer.getFeatures():
            context.setFeature(feature)
            count += bool(QgsExpression(styles.KEY_FRAME).evaluate(context))
        return count

    assert drawn(0.5, 8.0) == layer.featureCount(), "few frames are all drawn"
    assert drawn(0.5, 40.0) <= 4
    assert drawn(0.5, 40.0, temporal=True) == layer.featureCount()


def test_error_circles_can_be_switched(scene_bench, world):
    layer = scene_layers(world)["frames"]

    def circles():
        return [c.symbol().symbolLayer(0).enabled() for c in layer.renderer().categories()]

    scene_bench.dock.circles_check.setChecked(True)
    assert all(circles())
    scene_bench.dock.circles_check.setChecked(False)
    assert not any(circles())


def test_a_file_that_is_no_scene_is_refused_in_words(workbench, tmp_path):
    (tmp_path / "other.gpkg").write_bytes(b"no database at all" * 100)
    workbench.open_scene(tmp_path / "other.gpkg")
    wait_until(lambda: messages_in(workbench.iface.bar), what="a message")
    assert "no scene" in messages_in(workbench.iface.bar)[0]
    assert workbench.panel.scene is None


def test_a_dead_video_engine_is_told_and_the_clip_opens_again(scene_bench, world):
    import os
    import signal

    os.kill(scene_bench.host.video.hello.pid, signal.SIGKILL)
    scene_bench.player.seek(3.0)
    wait_until(lambda: not scene_bench.player.player.is_open, 20, "the news")
    assert any("engine" in text for text in messages_in(scene_bench.iface.bar))
    scene_bench.show_clip(str(world / "clip.mp4"))
    wait_until(lambda: scene_bench.player.player.is_open, 30, "the second opening")


def test_the_map_goes_with_the_picture_that_is_seen(scene_bench):
    """While a frame is on its way, the former one is not laid where the next one belongs."""
    shown = []
    scene_bench.overlay.show = lambda view, picture=None: shown.append(view)
    scene_bench.player.seek(6.0)
    scene_bench.video.drape_button.setChecked(True)
    assert shown[-1].time_s == scene_bench.player.shown_s < 6.0
    wait_until(lambda: shown[-1].time_s == pytest.approx(6.0, abs=0.01), what="the frame")


def test_drape_paints_the_picture_on_the_map(scene_bench, world):
    canvas = scene_bench.iface.mapCanvas()
    canvas.setDestinationCrs(scene_layers(world)["frames"].crs())
    scene_bench.scene.zoom()
    before = canvas.grab().toImage()
    scene_bench.video.drape_button.setChecked(True)
    wait_until(lambda: scene_bench.overlay._item._picture is not None)
    assert canvas.grab().toImage() != before
