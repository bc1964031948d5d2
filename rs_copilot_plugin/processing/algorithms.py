"""Locate a clip, track moving objects, export a layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)

from rs_copilot_plugin.layers.scene_group import title
from rs_copilot_plugin.presenters.clips import find_telemetry
from rs_copilot_plugin.presenters.locate import TelemetryUse
from rs_copilot_plugin.presenters.scene import EXPORT_SUFFIXES, LAYER_ORDER
from rs_copilot_plugin.translate import tr

from .engine_algorithm import SCENE_FILTER, EngineAlgorithm, SceneAlgorithm, raster_file
from .engine_call import call_engine


class LocateClip(SceneAlgorithm):
    """``rs-copilot localize``."""

    icon_name = "locate.svg"

    def name(self) -> str:
        return "locateclip"

    def displayName(self) -> str:
        return tr("Locate clip")

    def shortHelpString(self) -> str:
        return tr(
            "Finds where the frames of a UAV clip lie on a satellite raster and writes footprints, "
            "trajectory and frames with their uncertainty into a scene GeoPackage. The clip is a video, a "
            "picture, or a folder of pictures. Telemetry beside the clip is found by itself. A frame that "
            "cannot be placed is reported as unlocated with the reason."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        self.addParameter(QgsProcessingParameterFile("CLIP", tr("Clip: a video or a picture"), optional=True))
        folder = QgsProcessingParameterFile.Behavior.Folder
        self.addParameter(
            QgsProcessingParameterFile("FOLDER", tr("… or a folder of pictures"), folder, optional=True)
        )
        self.addParameter(
            QgsProcessingParameterRasterLayer("SATELLITE", tr("Satellite raster (a local file)"))
        )
        self.addParameter(QgsProcessingParameterFile("TELEMETRY", tr("Telemetry file"), optional=True))
        uses = [tr("Position and attitude"), tr("Attitude only"), tr("None, pixels alone")]
        self.addParameter(QgsProcessingParameterEnum("USE", tr("Use telemetry"), uses, defaultValue=0))
        real = QgsProcessingParameterNumber.Type.Double
        self.addParameter(
            QgsProcessingParameterNumber("EVERY", tr("Seconds between frames"), real, 1.0, minValue=0.05)
        )
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Scene"), SCENE_FILTER))
        self.add_show()

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        clip = self.parameterAsString(parameters, "CLIP", context) or self.parameterAsString(
            parameters, "FOLDER", context
        )
        if not clip:
            raise QgsProcessingException(tr("Choose a clip or a folder of pictures."))
        satellite = raster_file(self.parameterAsRasterLayer(parameters, "SATELLITE", context))
        uses = [TelemetryUse.ALL, TelemetryUse.ATTITUDE, TelemetryUse.NONE]
        telemetry = self.parameterAsString(parameters, "TELEMETRY", context) or find_telemetry(Path(clip))
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        params = {
            "clip": clip,
            "satellite": str(satellite),
            "out": out,
            "use_telemetry": uses[self.parameterAsEnum(parameters, "USE", context)].value,
            "every_s": self.parameterAsDouble(parameters, "EVERY", context),
        }
        if telemetry:
            params["telemetry"] = str(telemetry)
        call_engine("localize", params, feedback)
        self.remember_scene(out, parameters, context)
        return {"OUTPUT": out}


class TrackObjects(SceneAlgorithm):
    """``rs-copilot track``."""

    icon_name = "track.svg"

    def name(self) -> str:
        return "trackmovingobjects"

    def displayName(self) -> str:
        return tr("Track moving objects")

    def shortHelpString(self) -> str:
        return tr(
            "Finds what moves in the located clips of a scene and writes detections and tracks on the "
            "ground, with speeds in metres per second, into the same scene."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        behaviour = QgsProcessingParameterFile.Behavior.File
        self.addParameter(QgsProcessingParameterFile("SCENE", tr("Scene"), behaviour, "gpkg"))
        self.add_show()

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        scene = self.parameterAsString(parameters, "SCENE", context)
        call_engine("track", {"scene": scene}, feedback)
        self.remember_scene(scene, parameters, context)
        return {"SCENE": scene}


class ExportLayer(EngineAlgorithm):
    """``rs-copilot export``."""

    icon_name = "export.svg"

    def name(self) -> str:
        return "exportlayer"

    def displayName(self) -> str:
        return tr("Export layer of a scene")

    def shortHelpString(self) -> str:
        return tr(
            "Writes one layer of a scene as shapefile, GeoPackage, GeoJSON, KML, FlatGeobuf, GeoParquet or "
            "CSV. Field names that a shapefile has to cut are made unique and reported."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        behaviour = QgsProcessingParameterFile.Behavior.File
        self.addParameter(QgsProcessingParameterFile("SCENE", tr("Scene"), behaviour, "gpkg"))
        names = [title(name) for name in LAYER_ORDER]
        default = LAYER_ORDER.index("footprints")
        self.addParameter(QgsProcessingParameterEnum("LAYER", tr("Layer"), names, defaultValue=default))
        filters = ";;".join(f"{suffix[1:].upper()} (*{suffix})" for suffix in EXPORT_SUFFIXES)
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("File"), filters))

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        params = {
            "scene": self.parameterAsString(parameters, "SCENE", context),
            "layer": LAYER_ORDER[self.parameterAsEnum(parameters, "LAYER", context)],
            "out": out,
        }
        result = call_engine("export", params, feedback)
        for old, new in (result.get("renamed_fields") or {}).items():
            feedback.pushInfo(tr("Field {} is called {} there.").format(old, new))
        return {"OUTPUT": out}
