"""Indexing and searching as Processing algorithms, through a real engine with a network of the tests' own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis_helpers import wait_until

from rs_copilot_plugin.layers.scene_group import SCENE_PROPERTY

STANDIN = Path(__file__).resolve().parents[1] / "engine" / "retrieval" / "standin.py"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    python = os.environ["RS_COPILOT_ENGINE_PYTHON"]
    done = subprocess.run(
        [python, "-I", str(STANDIN), str(folder)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"the engine's Python cannot write a network: {done.stderr.splitlines()[-1]}")
    return folder / "stand-in.onnx"


def run(name, parameters):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"rscopilot:{name}")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    result, ok = algorithm.run(parameters, context, feedback, {}, False)
    return (result if ok else None), feedback.textLog()


@pytest.fixture
def index(plugin, world, network, tmp_path):
    layer = QgsRasterLayer(str(world / "satellite.tif"), "map", "gdal")
    QgsProject.instance().addMapLayer(layer)
    parameters = {
        "SATELLITE": [layer.id()],
        "SCALES": "60, 120",
        "NETWORK": str(network),
        "OUTPUT": str(tmp_path / "map.index"),
    }
    result, log = run("indexsatellite", parameters)
    assert result, log
    assert "tiles of 1 rasters are indexed" in log
    return Path(result["OUTPUT"])


def photo(world, folder: Path) -> Path:
    """A piece of the map, 120 m wide, north-up."""
    from osgeo import gdal

    gdal.UseExceptions()
    path = folder / "photo.png"
    west, north = 500000.0 + 180, 5500000.0 - 180
    gdal.Translate(
        str(path), str(world / "satellite.tif"), format="PNG", projWin=[west, north, west + 120, north - 90]
    )
    return path


def shown(scene: Path):
    """What of a scene is in the layer tree."""
    nodes = QgsProject.instance().layerTreeRoot().findLayers()
    return [node for node in nodes if node.layer().customProperty(SCENE_PROPERTY) == str(scene)]


def test_a_layer_is_indexed_and_a_photo_found_in_it(index, world, network, tmp_path):
    scene = tmp_path / "scene.gpkg"
    parameters = {
        "INDEX": str(index),
        "IMAGE": str(photo(world, tmp_path)),
        "COUNT": 4,
        "WIDTH": 120.0,
        "HEADING": 0.0,
        "NETWORK": str(network),
        "OUTPUT": str(scene),
    }
    result, log = run("searchtiles", parameters)
    assert result == {"OUTPUT": str(scene)}, log
    wait_until(lambda: shown(scene), what="the tiles on the map")
    (node,) = shown(scene)
    assert node.isVisible() and "Best" in node.layer().renderer().rootRule().children()[1].label()
    layer = QgsVectorLayer(f"{scene}|layername=candidates", "candidates", "ogr")
    rows = sorted(layer.getFeatures(), key=lambda row: row["rank"])
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    center = rows[0].geometry().centroid().asPoint()
    assert abs(center.x() - 500240) < 45 and abs(center.y() - 5499775) < 45


def test_scales_that_are_no_numbers_are_refused_in_words(plugin, world, tmp_path):
    layer = QgsRasterLayer(str(world / "satellite.tif"), "map", "gdal")
    QgsProject.instance().addMapLayer(layer)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rscopilot:indexsatellite")
    parameters = {"SATELLITE": [layer.id()], "SCALES": "wide", "OUTPUT": str(tmp_path / "i")}
    with pytest.raises(QgsProcessingException, match="numbers of metres"):
        algorithm.run(parameters, QgsProcessingContext(), QgsProcessingFeedback(), {}, False)


def test_what_is_no_index_is_refused_in_words(plugin, world, network, tmp_path):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rscopilot:searchtiles")
    parameters = {
        "INDEX": str(tmp_path),
        "IMAGE": str(photo(world, tmp_path)),
        "NETWORK": str(network),
        "OUTPUT": str(tmp_path / "scene.gpkg"),
    }
    with pytest.raises(QgsProcessingException, match="is no index"):
        algorithm.run(parameters, QgsProcessingContext(), QgsProcessingFeedback(), {}, False)
