"""Ask a scene a question, in models and batch runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
)

from rs_copilot_plugin import ask_texts
from rs_copilot_plugin.layers.user_layers import Copy, source_of, take_copy, write_copy
from rs_copilot_plugin.presenters.ask import parse_found
from rs_copilot_plugin.presenters.user_layers import Chosen, Role, layer_params
from rs_copilot_plugin.translate import tr

from .engine_algorithm import EngineAlgorithm
from .engine_call import call_engine

_TYPES = QgsProcessing.SourceType
_ROLES = {
    "ZONES": (Role.ZONES, [_TYPES.TypeVectorPolygon]),
    "ROADS": (Role.ROADS, [_TYPES.TypeVectorLine]),
    "OBSTACLES": (Role.OBSTACLES, [_TYPES.TypeVectorPolygon]),
    "PLACES": (Role.PLACES, [_TYPES.TypeVectorPoint, _TYPES.TypeVectorPolygon]),
}


class AskScene(EngineAlgorithm):
    """``rs-copilot ask``."""

    icon_name = "ask_map.svg"

    def __init__(self) -> None:
        super().__init__()
        self._layers: list[Chosen] = []
        self._copies: list[Copy] = []

    def name(self) -> str:
        return "askscene"

    def displayName(self) -> str:
        return tr("Ask a scene")

    def shortHelpString(self) -> str:
        return tr(
            "Answers a question in English about what a clip saw, computed from the scene and from layers of "
            "your own: how many vehicles entered a zone, when a place is first seen, how far, in which "
            "direction, what hides it. Where the scene does not tell, the answer is empty, and the log says "
            "why."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        behaviour = QgsProcessingParameterFile.Behavior.File
        self.addParameter(QgsProcessingParameterFile("SCENE", tr("Scene"), behaviour, "gpkg"))
        self.addParameter(QgsProcessingParameterString("QUESTION", tr("Question"), multiLine=True))
        for name, (role, types) in _ROLES.items():
            label = ask_texts.role_title(role)
            self.addParameter(QgsProcessingParameterVectorLayer(name, label, types, optional=True))
        self.addParameter(QgsProcessingParameterBoolean("KEEP", tr("Keep the answer in the scene"), True))
        self.addOutput(QgsProcessingOutputString("ANSWER", tr("Answer")))
        self.addOutput(QgsProcessingOutputNumber("CONFIDENCE", tr("Probability that it is right")))

    def prepareAlgorithm(
        self,
        parameters: dict,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,  # noqa: ARG002 - Processing's signature
    ) -> bool:
        # Layers belong to the thread that this is called in.
        self._layers, self._copies = [], []
        for name, (role, _) in _ROLES.items():
            layer = self.parameterAsVectorLayer(parameters, name, context)
            if layer is not None:
                chosen = Chosen(layer.id(), layer.name(), role, source_of(layer))
                self._layers.append(chosen)
                self._copies += [] if chosen.source else [take_copy(layer)]
        return True

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="rs-copilot-ask-") as folder:
            copies = {
                copy.id: write_copy(copy, Path(folder) / f"layer_{number}.geojson")
                for number, copy in enumerate(self._copies)
            }
            asked = {
                "scene": self.parameterAsString(parameters, "SCENE", context),
                "question": self.parameterAsString(parameters, "QUESTION", context).strip(),
                "layers": layer_params(self._layers, copies),
                "keep": self.parameterAsBool(parameters, "KEEP", context),
            }
            result = call_engine("ask", asked, feedback)
        found = parse_found(result)
        feedback.pushInfo(ask_texts.answer_words(found))
        for item in found.evidence:
            feedback.pushInfo(f"- {ask_texts.evidence_tip(item)}")
        answer = "" if found.abstained else found.answer
        return {"ANSWER": answer, "CONFIDENCE": 0.0 if found.abstained else found.confidence}
