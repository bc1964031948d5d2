"""Adapting the retriever as a Processing algorithm."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
)


def run(parameters):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rscopilot:adaptretriever")
    return algorithm.run(parameters, QgsProcessingContext(), QgsProcessingFeedback(), {}, False)


def test_a_layer_has_to_be_chosen(plugin, tmp_path):
    with pytest.raises(QgsProcessingException, match="Choose the layer"):
        run({"OUTPUT": str(tmp_path)})


def test_a_folder_without_tuning_has_nothing_to_take_back(plugin, world, tmp_path):
    with pytest.raises(QgsProcessingException, match="no earlier network"):
        run({"OUTPUT": str(tmp_path), "UNDO": True})
