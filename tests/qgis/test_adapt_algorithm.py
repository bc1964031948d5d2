"""Adapting the retriever as a Processing algorithm."""

from __future__ import annotations

import os

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
)


def run(parameters):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rscopilot:adaptretriever")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    return algorithm.run(parameters, context, QgsProcessingFeedback(), {}, False)


def test_without_torch_it_says_what_to_tick(plugin, world, tmp_path, monkeypatch):
    """An environment as the plugin makes it, seen from the algorithm: the engine lacks torch."""
    from rs_copilot_plugin.presenters.environment import EngineFacts
    from rs_copilot_plugin.processing import adapt_algorithm

    monkeypatch.setattr(adapt_algorithm, "engine_facts", lambda _own: EngineFacts("managed", "python"))
    bare = python_without_torch(tmp_path / "bare")
    monkeypatch.setenv("RS_COPILOT_ENGINE_PYTHON", str(bare))
    layer = QgsRasterLayer(str(world / "satellite.tif"), "map", "gdal")
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="tick “With training”"):
        run({"SATELLITE": [layer.id()], "OUTPUT": str(tmp_path / "out")})


def python_without_torch(folder):
    """The engine's packages without torch: a module of that name that cannot be imported stands before it."""
    (folder / "hidden" / "torch").mkdir(parents=True)
    (folder / "hidden" / "torch" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    )
    wrapper = folder / "python"
    code = f"import sys; sys.path.insert(0, {str(folder / 'hidden')!r}); "
    code += "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    engine = os.environ["RS_COPILOT_ENGINE_PYTHON"]
    # Called as `python -I -u start_worker.py`: the last argument is the script.
    wrapper.write_text(f'#!/bin/sh\nexec {engine} -I -u -c "{code}" "$3"\n')
    wrapper.chmod(0o755)
    return wrapper


def test_a_layer_has_to_be_chosen(plugin, tmp_path):
    with pytest.raises(QgsProcessingException, match="Choose the layer"):
        run({"OUTPUT": str(tmp_path)})


def test_a_folder_without_tuning_has_nothing_to_take_back(plugin, world, tmp_path):
    with pytest.raises(QgsProcessingException, match="no earlier network"):
        run({"OUTPUT": str(tmp_path), "UNDO": True})
