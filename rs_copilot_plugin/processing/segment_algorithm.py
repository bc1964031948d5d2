"""Divide a raster into areas of one class each."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from rs_copilot_plugin import messages
from rs_copilot_plugin.presenters.find import split_names
from rs_copilot_plugin.translate import tr

from .engine_algorithm import SCENE_FILTER, SceneAlgorithm
from .engine_call import call_engine
from .regions import gsd_parameter, raster_parameter, region_of, region_parameters, tiles_source


class SegmentRaster(SceneAlgorithm):
    """``rs-copilot segment``."""

    icon_name = "find.svg"
    shown_layers = ("segments",)

    def name(self) -> str:
        return "segmentraster"

    def displayName(self) -> str:
        return tr("Segment a raster")

    def shortHelpString(self) -> str:
        return tr(
            "Divides a raster of any size into areas of one class each with a segmentation network of your "
            "own (ONNX), and writes them as polygons with their area in m² into the layer of segments of a "
            "scene. Neighbouring areas share their borders, and tiles leave no seams. A run that was broken "
            "off or cancelled goes on where it stopped when the same is asked for again, with the same scene."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        self.addParameter(raster_parameter())
        behaviour = QgsProcessingParameterFile.Behavior.File
        self.addParameter(
            QgsProcessingParameterFile("NETWORK", tr("Segmentation network (ONNX)"), behaviour, "onnx")
        )
        label = tr("Classes, separated by commas; empty for all")
        self.addParameter(QgsProcessingParameterString("CLASSES", label, optional=True))
        for parameter in region_parameters():
            self.addParameter(parameter)
        real = QgsProcessingParameterNumber.Type.Double
        label = tr("Smallest area in m²; empty for the network's own")
        self.addParameter(QgsProcessingParameterNumber("MIN_AREA", label, real, None, True, 0.0))
        label = tr("Outlines may leave the pixels' edges by this many pixels")
        self.addParameter(
            QgsProcessingParameterNumber("SIMPLIFY", label, real, 1.0, minValue=0.0, maxValue=100.0)
        )
        self.addParameter(gsd_parameter())
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Scene"), SCENE_FILTER))
        self.add_show()
        self.addOutput(QgsProcessingOutputNumber("COUNT", tr("Number of areas")))

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "source": tiles_source(self.parameterAsRasterLayer(parameters, "RASTER", context)),
            "out": self.parameterAsFileOutput(parameters, "OUTPUT", context),
            "model": f"onnx:{self.parameterAsString(parameters, 'NETWORK', context)}",
            "classes": split_names(self.parameterAsString(parameters, "CLASSES", context)),
            "region": region_of(self, parameters, context),
            "simplify_px": self.parameterAsDouble(parameters, "SIMPLIFY", context),
        }
        for name, key in (("MIN_AREA", "min_area_m2"), ("GSD", "gsd_m")):
            if parameters.get(name) is not None:
                asked[key] = self.parameterAsDouble(parameters, name, context)
        result = call_engine("segment", asked, feedback)
        feedback.pushInfo(messages.found_text({**result, "kind": "raster"}))
        self.remember_scene(asked["out"], parameters, context)
        return {"OUTPUT": asked["out"], "COUNT": result["segments"]}
