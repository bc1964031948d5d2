"""Find objects in a raster or in a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from rs_copilot_plugin import messages
from rs_copilot_plugin.presenters.clips import find_telemetry
from rs_copilot_plugin.presenters.find import MOTION, SHIPPED, split_names
from rs_copilot_plugin.translate import tr

from .engine_algorithm import SCENE_FILTER, SceneAlgorithm, raster_file
from .engine_call import call_engine
from .regions import gsd_parameter, raster_parameter, region_of, region_parameters, tiles_source


class _FindAlgorithm(SceneAlgorithm):
    """Both name a detector, classes and a lowest score, and write a scene."""

    icon_name = "find.svg"
    shown_layers = ("detections",)

    def add_detector(self, names: str) -> None:
        """The parameters for it."""
        label = tr("Detector: {}").format(names)
        self.addParameter(QgsProcessingParameterString("DETECTOR", label, SHIPPED))
        behaviour = QgsProcessingParameterFile.Behavior.File
        label = tr("… or a detector of your own (ONNX)")
        self.addParameter(QgsProcessingParameterFile("NETWORK", label, behaviour, "onnx", optional=True))
        label = tr("Classes, separated by commas; empty for all")
        self.addParameter(QgsProcessingParameterString("CLASSES", label, optional=True))
        real = QgsProcessingParameterNumber.Type.Double
        label = tr("Lowest score; empty for the detector's own")
        self.addParameter(QgsProcessingParameterNumber("SCORE", label, real, None, True, 0.0, 1.0))
        self.addOutput(QgsProcessingOutputNumber("COUNT", tr("Number of objects")))

    def asked(self, parameters: dict, context: QgsProcessingContext) -> dict[str, Any]:
        """What these parameters say, as the engine takes it."""
        network = self.parameterAsString(parameters, "NETWORK", context)
        detector = self.parameterAsString(parameters, "DETECTOR", context).strip() or SHIPPED
        asked: dict[str, Any] = {"detector": f"onnx:{network}" if network else detector}
        asked["classes"] = split_names(self.parameterAsString(parameters, "CLASSES", context))
        for name, key in (("SCORE", "min_score"), ("GSD", "gsd_m")):
            if parameters.get(name) is not None:
                asked[key] = self.parameterAsDouble(parameters, name, context)
        return asked

    def call(
        self, asked: dict, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Ask the engine, say what came of it, show it."""
        result = call_engine("detect", asked, feedback)
        feedback.pushInfo(messages.found_text(result))
        self.remember_scene(asked["out"], parameters, context)
        labels = result.get("labels") or {}
        return {"OUTPUT": asked["out"], "COUNT": sum(labels.values())}


class FindInRaster(_FindAlgorithm):
    """``rs-copilot detect RASTER``."""

    def name(self) -> str:
        return "findobjectsinraster"

    def displayName(self) -> str:
        return tr("Find objects in a raster")

    def shortHelpString(self) -> str:
        return tr(
            "Looks for objects in a raster of any size, tile by tile, and writes them as polygons into the "
            "layer of detections of a scene. Only tiles that touch the extent or the polygons are looked at. "
            "A run that was broken off or cancelled goes on where it stopped when the same is asked for "
            "again, with the same scene. The detector comes with RS Copilot or is an ONNX file of your own."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        self.addParameter(raster_parameter())
        self.add_detector("vehicles-s, hf:…")
        for parameter in (*region_parameters(), gsd_parameter()):
            self.addParameter(parameter)
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Scene"), SCENE_FILTER))
        self.add_show()

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        asked = {
            "source": tiles_source(self.parameterAsRasterLayer(parameters, "RASTER", context)),
            "out": self.parameterAsFileOutput(parameters, "OUTPUT", context),
            "region": region_of(self, parameters, context),
            **self.asked(parameters, context),
        }
        return self.call(asked, parameters, context, feedback)


class FindInClip(_FindAlgorithm):
    """``rs-copilot detect CLIP``."""

    def name(self) -> str:
        return "findobjectsinclip"

    def displayName(self) -> str:
        return tr("Find objects in a clip")

    def shortHelpString(self) -> str:
        return tr(
            "Looks for objects in the frames of a located clip, lays them on the ground and follows them, "
            "into the layers of detections and tracks of the clip's scene. A clip that the scene does not "
            "have is located on the satellite raster first. The detector “motion” finds whatever moves."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        self.addParameter(QgsProcessingParameterFile("CLIP", tr("Clip: a video or a picture"), optional=True))
        behaviour = QgsProcessingParameterFile.Behavior
        label = tr("… or a folder of pictures")
        self.addParameter(QgsProcessingParameterFile("FOLDER", label, behaviour.Folder, optional=True))
        label = tr("Scene that has the clip already")
        self.addParameter(QgsProcessingParameterFile("SCENE", label, behaviour.File, "gpkg", optional=True))
        label = tr("… or satellite raster to locate it on (a local file)")
        self.addParameter(QgsProcessingParameterRasterLayer("SATELLITE", label, optional=True))
        self.add_detector("vehicles-s, hf:…, motion")
        real = QgsProcessingParameterNumber.Type.Double
        label = tr("Seconds between looks")
        self.addParameter(QgsProcessingParameterNumber("EVERY", label, real, 0.2, minValue=0.01))
        self.addParameter(gsd_parameter())
        label = tr("New scene, where the clip is located first")
        out = QgsProcessingParameterFileDestination("OUTPUT", label, SCENE_FILTER, None, True, False)
        self.addParameter(out)
        self.add_show()

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        clip = self.parameterAsString(parameters, "CLIP", context) or self.parameterAsString(
            parameters, "FOLDER", context
        )
        if not clip:
            raise QgsProcessingException(tr("Choose a clip or a folder of pictures."))
        every_s = self.parameterAsDouble(parameters, "EVERY", context)
        scene = self.parameterAsString(parameters, "SCENE", context)
        if not scene:
            scene = self._locate(clip, parameters, context, feedback)
        asked = {"source": clip, "out": scene, "every_s": every_s, **self.asked(parameters, context)}
        if asked["detector"] == MOTION:
            asked.pop("classes")
        return self.call(asked, parameters, context, feedback)

    def _locate(
        self, clip: str, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> str:
        """Place the clip in a new scene, as *Locate clip* does."""
        layer = self.parameterAsRasterLayer(parameters, "SATELLITE", context)
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        if layer is None or not out:
            raise QgsProcessingException(
                tr("Choose the scene of the clip, or a satellite raster and a file for a new scene.")
            )
        params = {"clip": clip, "satellite": raster_file(layer), "out": out}
        params["every_s"] = self.parameterAsDouble(parameters, "EVERY", context)
        telemetry = find_telemetry(Path(clip))
        if telemetry is not None:
            params["telemetry"] = str(telemetry)
        call_engine("localize", params, feedback)
        return out
