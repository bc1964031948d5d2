"""Finding objects from the panel and the toolbox, through a real engine with a detector of the tests' own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis_helpers import Heart, messages_in, wait_until

from rs_copilot_plugin.layers.scene_group import LAYER_PROPERTY, SCENE_PROPERTY
from rs_copilot_plugin.presenters.find import MOTION, Where
from rs_copilot_plugin.presenters.locate import Stage

SCRIPT = Path(__file__).with_name("make_objects.py")
JOB_LIMIT_S = 180
WEST, NORTH = 500000.0, 5500000.0


def engine(*arguments) -> None:
    python = os.environ["RS_COPILOT_ENGINE_PYTHON"]
    done = subprocess.run(
        [python, "-I", str(SCRIPT), *map(str, arguments)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"the engine's Python cannot make objects: {done.stderr.splitlines()[-1]}")


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """A raster of squares, their centres, and a network that finds them."""
    folder = tmp_path_factory.mktemp("objects")
    engine(folder)
    return folder


@pytest.fixture
def truth(objects):
    return [(QgsPointXY(x, y), label) for x, y, label in json.loads((objects / "truth.json").read_text())]


@pytest.fixture
def bench(workbench, objects, tmp_path):
    """The raster of squares and its detector are chosen."""
    shutil.copy(objects / "squares.tif", tmp_path / "squares.tif")
    workbench.iface.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    workbench.add_paths([tmp_path / "squares.tif"])
    workbench.dock.tabs.show_page(workbench.dock.find_box)
    workbench.finder.add_detector(str(objects / "squares.onnx"))
    workbench.dock.find_box.score_spin.setValue(0.8)
    yield workbench
    workbench.settings.detector = ""


def search(bench, wait=True):
    box = bench.dock.find_box
    assert box.find_button.isEnabled(), box.find_button.toolTip()
    box.find_button.click()
    if wait:
        wait_until(lambda: bench.panel.stage is Stage.IDLE, JOB_LIMIT_S, "the search")
        wait_until(lambda: not bench.scene._reading, what="the last look")


def found_layer(bench):
    wait_until(lambda: "detections" in bench.scene.layer_names(), what="the layer")
    return bench.scene._group.layers()["detections"]


def rows_of(scene: Path):
    layer = QgsVectorLayer(f"{scene}|layername=detections", "found", "ogr")
    return [(row.geometry().centroid().asPoint(), row["label"]) for row in layer.getFeatures()]


def assert_same(found, wanted) -> None:
    """Each object once and in its place."""
    found, wanted = (sorted((p.x(), p.y(), label) for p, label in rows) for rows in (found, wanted))
    assert len(found) == len(wanted)
    for (x, y, label), (true_x, true_y, true_label) in zip(found, wanted, strict=True):
        assert label == true_label and abs(x - true_x) < 0.6 and abs(y - true_y) < 0.6


def test_objects_come_onto_the_map_while_the_search_runs(bench, truth, tmp_path, record_property):
    canvas = bench.iface.canvas
    canvas.setExtent(QgsRectangle(WEST, NORTH - 50, WEST + 50, NORTH))
    view = canvas.extent()
    partial = []
    bench.jobs.progressed.connect(lambda _share, _text, part: partial.append(part))
    bench.dock.find_box.classes_edit.setText("red, blue")
    heart = Heart()
    search(bench)
    work_ms = heart.longest_work_ms()
    record_property("longest_work_ms", round(work_ms, 1))
    assert work_ms < float(os.environ.get("RS_COPILOT_WORK_LIMIT_MS", "50"))
    assert any(partial), "results came before the end"
    wanted = [(point, label) for point, label in truth if label != "green"]
    assert_same(rows_of(tmp_path / "squares_scene.gpkg"), wanted)
    text = bench.dock.find_box.result_label.text()
    assert bench.dock.find_box.result_label.isVisibleTo(bench.dock)
    assert "red" in text and "blue" in text and "tiles" in text and " s" in text
    assert any("Find Objects finished" in text for text in messages_in(bench.iface.bar))
    layer = found_layer(bench)
    wait_until(lambda: layer.featureCount() == len(wanted), what="all rows")
    assert bench.scene._group.is_seen("detections"), "what was looked for is not switched off"
    values = [category.value() for category in layer.renderer().categories()]
    assert sorted(values) == ["blue", "red"]
    colours = bench.scene.class_colours()
    assert colours["red"] != colours["blue"]
    assert canvas.extent() == view, "the map stays where the user looks"
    assert bench.scene.zoom() and canvas.extent().contains(layer.extent())
    # Another class later keeps the colours that are there, and those that the user has chosen.
    bench.dock.find_box.classes_edit.setText("")
    search(bench)
    wait_until(lambda: layer.featureCount() == len(truth), what="all rows")
    wait_until(lambda: len(layer.renderer().categories()) == 3, what="the third class")
    assert {key: bench.scene.class_colours()[key] for key in colours} == colours


def test_a_view_of_elsewhere_is_refused_in_words(bench):
    box = bench.dock.find_box
    box.where_combo.setCurrentIndex(box.where_combo.findData(Where.VIEW.value))
    bench.iface.canvas.setExtent(QgsRectangle(WEST + 9000, NORTH, WEST + 9100, NORTH + 100))
    box.find_button.click()
    assert any("nothing there" in text for text in messages_in(bench.iface.bar))
    assert bench.panel.stage is Stage.IDLE and bench.dock.progress_box.isHidden()


def polygons(*shapes: QgsRectangle) -> QgsVectorLayer:
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633", "areas", "memory")
    rows = []
    for shape in shapes:
        row = QgsFeature()
        row.setGeometry(QgsGeometry.fromRect(shape))
        rows.append(row)
    layer.dataProvider().addFeatures(rows)
    QgsProject.instance().addMapLayer(layer)
    return layer


def select_region(bench, layer: QgsVectorLayer, fid: int) -> None:
    box = bench.dock.find_box
    box.where_combo.setCurrentIndex(box.where_combo.findData(Where.SELECTION.value))
    box.layer_combo.setLayer(layer)
    layer.selectByIds([fid])


def test_only_where_the_user_wants_and_nothing_found_says_what_to_try(bench, truth, objects, tmp_path):
    """One test for all of it, because each engine takes seconds to start."""
    scene = tmp_path / "squares_scene.gpkg"
    inside = QgsRectangle(WEST + 100, NORTH - 300, WEST + 250, NORTH - 120)
    beside = [QgsRectangle(x, y, x + 4, y + 4) for x in (WEST + 0.5, WEST + 500) for y in (NORTH - 4.5,)]
    layer = polygons(inside, *beside)
    inner, empty, _ = sorted(row.id() for row in layer.getFeatures())
    box = bench.dock.find_box
    box.where_combo.setCurrentIndex(box.where_combo.findData(Where.SELECTION.value))
    box.layer_combo.setLayer(layer)
    assert not box.layer_combo.isHidden()
    box.find_button.click()
    assert any("Select the polygons" in text for text in messages_in(bench.iface.bar))
    select_region(bench, layer, inner)
    search(bench)
    assert_same(rows_of(scene), [row for row in truth if inside.contains(row[0])])
    assert layer.selectedFeatureCount() == 1 and not layer.isEditable() and layer.featureCount() == 3
    select_region(bench, layer, empty)
    search(bench)
    text = box.result_label.text()
    assert "Nothing found" in text and "lower score" in text and not rows_of(scene)
    box.where_combo.setCurrentIndex(box.where_combo.findData(Where.VIEW.value))
    bench.iface.canvas.setExtent(QgsRectangle(WEST + 20, NORTH - 200, WEST + 200, NORTH - 20))
    search(bench)
    found = rows_of(scene)
    assert 0 < len(found) < len(truth)
    # The region is a rectangle of degrees around the view.
    view = bench.iface.canvas.extent()
    view.grow(5)
    assert all(view.contains(point) for point, _ in found)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    bench.finder.add_detector(str(tmp_path / "broken.onnx"))
    search(bench)
    assert "broken" in box.result_label.text() and bench.last_notice.details
    assert list(bench.finder._folder.glob("*.geojson"))
    folder = bench.finder._folder
    bench.finder.stop()
    assert not folder.exists()


def test_a_cancelled_search_goes_on(bench, truth, tmp_path):
    search(bench, wait=False)
    wait_until(lambda: bench.dock.progress_bar.value() > 100, JOB_LIMIT_S, "progress")
    bench.dock.cancel_button.click()
    wait_until(lambda: bench.panel.stage is Stage.IDLE, JOB_LIMIT_S, "the cancel")
    if "Cancelled" not in bench.dock.find_box.result_label.text():
        pytest.skip("the search was faster than the cancel")
    assert "goes on where it stopped" in bench.dock.find_box.result_label.text()
    search(bench)
    assert "known from a run" in bench.dock.find_box.result_label.text()
    assert_same(rows_of(tmp_path / "squares_scene.gpkg"), truth)


def test_a_selection_that_cannot_be_written_down_is_told(bench):
    layer = polygons(QgsRectangle(WEST, NORTH - 100, WEST + 100, NORTH))
    select_region(bench, layer, next(layer.getFeatures()).id())
    shutil.rmtree(bench.finder._folder)
    bench.dock.find_box.find_button.click()
    wait_until(lambda: messages_in(bench.iface.bar), what="the news")
    assert "cannot be read" in messages_in(bench.iface.bar)[0]
    assert bench.panel.stage is Stage.IDLE


def test_a_service_and_what_does_not_go_together_are_refused_in_words(bench):
    box = bench.dock.find_box
    layer = QgsRasterLayer("type=xyz&url=http://127.0.0.1:9/{z}/{x}/{y}.png&zmax=1", "online", "wms")
    QgsProject.instance().addMapLayer(layer)
    bench.dock.satellite_combo.setLayer(layer)
    assert not box.find_button.isEnabled() and "WMS, XYZ" in box.find_button.toolTip()
    bench.dock.satellite_combo.setLayer(QgsProject.instance().mapLayersByName("squares")[0])
    assert box.find_button.isEnabled()
    box.detector_combo.setCurrentIndex(box.detector_combo.findData(MOTION))
    assert not box.find_button.isEnabled() and "Nothing moves" in box.find_button.toolTip()
    assert not box.classes_edit.isEnabled()


def test_a_detector_is_remembered(bench, objects):
    name = f"onnx:{objects / 'squares.onnx'}"
    box = bench.dock.find_box
    assert box.detector == name and bench.settings.detector == name
    assert name in bench.settings.own_detectors
    assert box.detector_combo.currentText() == "squares.onnx"
    box.detector_combo.setCurrentIndex(0)
    assert bench.settings.detector == box.detector != name
    assert box.detector_combo.findData(name) > 0, "it stays in the list"


# --- clips


@pytest.fixture
def scene_bench(workbench, world, tmp_path):
    """The scene with what a detector found in its clip; the video is open."""
    scene = tmp_path / "scene.gpkg"
    shutil.copy(world / "scene.gpkg", scene)
    engine("--rows", scene)
    workbench.open_scene(scene)
    wait_until(lambda: "detections" in workbench.scene.layer_names(), what="layers")
    wait_until(lambda: workbench.video.view.image is not None, what="first frame")
    workbench.iface.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    return workbench


def seen(bench, time_s):
    wait_until(lambda: abs(bench.player.shown_s - time_s) < 0.01, what="the frame")


def test_a_click_on_an_object_shows_its_frame_and_back(scene_bench):
    bench = scene_bench
    bench.scene.reveal("detections")
    layer = found_layer(bench)
    row = next(layer.getFeatures('"time_s" = 3.5'))
    bench.seek_tool.picked.emit(row.geometry().centroid().asPoint())
    hit_s = bench.player.player.position_s
    assert hit_s in (2.0, 2.5, 3.0, 3.5, 4.0)
    seen(bench, hit_s)
    assert [found.label for found in bench.video.view._boxes] == ["car"]
    assert bench.video.view._mark == pytest.approx((230 / 480, 120 / 270))
    flashed = []
    bench.player.detection_clicked.connect(flashed.append)
    bench.video.view.clicked.emit((230 / 480, 120 / 270))
    assert [layer.getFeature(fid)["time_s"] for fid in flashed] == [hit_s]


def test_a_row_that_is_selected_shows_its_frame(scene_bench):
    bench = scene_bench
    row = next(found_layer(bench).getFeatures('"time_s" = 4'))
    found_layer(bench).selectByIds([row.id()])
    seen(bench, 4.0)
    assert bench.video.view._boxes[0].score == 0.9
    assert bench.video.view._class_colours["car"] == bench.scene.class_colours()["car"]


def test_between_looks_the_box_stays_on_the_object(scene_bench):
    scene_bench.player.seek(2.2)
    seen(scene_bench, 2.2)
    assert len(scene_bench.video.view._boxes) == 1
    scene_bench.player.seek(6.0)
    seen(scene_bench, 6.0)
    assert scene_bench.video.view._boxes == []


def test_hidden_objects_are_not_clicked(scene_bench):
    layer = found_layer(scene_bench)
    middle = next(layer.getFeatures()).geometry().centroid().asPoint()
    assert scene_bench.scene.detections_at(middle, 1.0) == []
    scene_bench.scene.reveal("detections")
    assert {hit.clip for hit in scene_bench.scene.detections_at(middle, 1.0)} == {"clip.mp4"}


def test_the_clip_of_a_scene_is_searched(scene_bench, objects, world, tmp_path):
    box = scene_bench.dock.find_box
    scene_bench.finder.add_detector(str(objects / "squares.onnx"))
    box.score_spin.setValue(0.8)
    box.source_combo.setCurrentIndex(box.source_combo.findData(str(world / "clip.mp4")))
    assert not box.where_combo.isEnabled()
    search(scene_bench)
    scene_bench.settings.detector = ""
    text = box.result_label.text()
    assert "Nothing found" in text and "frames" in text and "standing" in text


# --- the toolbox


def run(name, parameters):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"rscopilot:{name}")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    result, ok = algorithm.run(parameters, context, feedback, {}, False)
    return (result if ok else None), feedback.textLog()


def shown(scene: Path):
    nodes = QgsProject.instance().layerTreeRoot().findLayers()
    return {
        node.layer().customProperty(LAYER_PROPERTY): node
        for node in nodes
        if node.layer().customProperty(SCENE_PROPERTY) == str(scene)
    }


def test_the_algorithm_looks_into_an_extent_and_shows_what_it_found(plugin, objects, truth, tmp_path):
    layer = QgsRasterLayer(str(objects / "squares.tif"), "map", "gdal")
    QgsProject.instance().addMapLayer(layer)
    scene = tmp_path / "scene.gpkg"
    parameters = {
        "RASTER": layer.id(),
        "NETWORK": str(objects / "squares.onnx"),
        "SCORE": 0.8,
        "EXTENT": f"{WEST},{WEST + 150},{NORTH - 150},{NORTH} [EPSG:32633]",
        "OUTPUT": str(scene),
    }
    result, log = run("findobjectsinraster", parameters)
    assert result and 0 < result["COUNT"] < len(truth), log
    assert f"{result['COUNT']}" and "tiles" in log
    wait_until(lambda: shown(scene), what="the objects on the map")
    assert shown(scene)["detections"].isVisible()
    areas = polygons(QgsRectangle(WEST + 9000, NORTH, WEST + 9100, NORTH + 100))
    with pytest.raises(QgsProcessingException, match="nothing there"):
        run("findobjectsinraster", {**parameters, "AREAS": areas.id()})


def test_the_algorithm_for_clips_wants_a_scene_or_a_raster(plugin, objects, world, tmp_path):
    with pytest.raises(QgsProcessingException, match="scene of the clip"):
        run("findobjectsinclip", {"CLIP": str(world / "clip.mp4")})
    scene = tmp_path / "scene.gpkg"
    shutil.copy(world / "scene.gpkg", scene)
    parameters = {
        "CLIP": str(world / "clip.mp4"),
        "SCENE": str(scene),
        "NETWORK": str(objects / "squares.onnx"),
        "SCORE": 0.8,
        "EVERY": 1.0,
    }
    result, log = run("findobjectsinclip", parameters)
    assert result and result["OUTPUT"] == str(scene), log
    assert "frames" in log


def test_a_raster_is_segmented_and_shown(plugin, objects, world, tmp_path):
    layer = QgsRasterLayer(str(world / "satellite.tif"), "map", "gdal")
    QgsProject.instance().addMapLayer(layer)
    scene = tmp_path / "scene.gpkg"
    parameters = {
        "RASTER": layer.id(),
        "NETWORK": str(objects / "brightness.onnx"),
        "EXTENT": f"{WEST},{WEST + 60},{NORTH - 60},{NORTH} [EPSG:32633]",
        "MIN_AREA": 20.0,
        "OUTPUT": str(scene),
    }
    result, log = run("segmentraster", parameters)
    assert result and result["COUNT"] > 0 and "tiles" in log, log
    wait_until(lambda: shown(scene), what="the areas on the map")
    node = shown(scene)["segments"]
    assert node.isVisible()
    rows = list(node.layer().getFeatures())
    assert {row["label"] for row in rows} <= {"grey", "bright"}
    # The border of the extent may cut slivers off areas that are large enough.
    assert 20 <= sum(row["area_m2"] for row in rows) <= 60.1**2
    classes = {category.value() for category in node.layer().renderer().categories()}
    assert classes == {row["label"] for row in rows}
