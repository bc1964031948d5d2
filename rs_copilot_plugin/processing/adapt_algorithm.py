"""Tune the retrieval network on the user's own layer, or take that back."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
)

from rs_copilot_plugin.presenters.environment import engine_facts
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

from .engine_algorithm import EngineAlgorithm, raster_file
from .engine_call import call_engine


class AdaptRetriever(EngineAlgorithm):
    """``rs-copilot train retriever RASTER...``."""

    def name(self) -> str:
        return "adaptretriever"

    def displayName(self) -> str:
        return tr("Adapt the tile search to a layer")

    def shortHelpString(self) -> str:
        return tr(
            "Tunes the network that finds similar tiles on your own satellite layer, without any labels, in "
            "a few minutes. A part of the layer is kept for measuring: what the tuning brought is reported, "
            "and where it did not help, nothing is changed. Use the network in the folder for a new index. "
            "Tuning can be taken back. The engine needs its training packages for this: “With training” in "
            "Plugins → RS Copilot → Engine and Settings."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        kind = QgsProcessing.SourceType.TypeRaster
        label = tr("The layer, or several dates of one place (local files)")
        layers = QgsProcessingParameterMultipleLayers("SATELLITE", label, kind, optional=True)
        self.addParameter(layers)
        self.addParameter(
            QgsProcessingParameterBoolean("UNDO", tr("Take the last tuning in the folder back"), False)
        )
        label = tr("Adapted network (a folder)")
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", label))

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        out = self.parameterAsString(parameters, "OUTPUT", context)
        undo = self.parameterAsBool(parameters, "UNDO", context)
        layers = [] if undo else self.parameterAsLayerList(parameters, "SATELLITE", context)
        if not undo and not layers:
            raise QgsProcessingException(tr("Choose the layer to adapt to."))
        params = {"rasters": [raster_file(layer) for layer in layers], "out": out, "undo": undo}
        result = call_engine("train", params, feedback, _hints())
        if undo:
            feedback.pushInfo(tr("The last tuning was taken back."))
        else:
            _report(result, feedback)
        return {"OUTPUT": out}


def _report(result: dict[str, Any], feedback: QgsProcessingFeedback) -> None:
    """What the tuning brought, on tiles that it never saw."""
    for text, key in (
        (tr("Right tile first: {:.1%} before, {:.1%} after."), "recall_1"),
        (tr("Right tile among the first ten: {:.1%} before, {:.1%} after."), "recall_10"),
    ):
        feedback.pushInfo(text.format(result[f"before_{key}"], result[key]))
    if result["kept"]:
        feedback.pushInfo(tr("Use {} for a new index and for searching in it.").format(result["weights"]))
    else:
        feedback.pushInfo(tr("Tuning did not help on this layer: the network was left as it was."))


def _hints() -> dict[str, str]:
    """Where the environment is the plugin's own, the plugin can bring what lacks."""
    if engine_facts(Settings().engine_python).kind != "managed":
        return {}
    text = tr(
        "Open Plugins → RS Copilot → Engine and Settings, tick “With training”, press “Create Environment”, "
        "and run this again."
    )
    return {"missing-dependency": text}
