"""Find objects in a raster or in a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsRasterLayer,
)

from rs_copilot_plugin import messages
from rs_copilot_plugin.layers.region_file import (
    RegionError,
    Selection,
    bounds_lonlat,
    to_lonlat,
    view_region,
    write_selection,
)
from rs_copilot_plugin.presenters.clips import find_telemetry
from rs_copilot_plugin.presenters.find import MOTION, SHIPPED, raster_of, split_names
from rs_copilot_plugin.presenters.locate import Lack
from rs_copilot_plugin.translate import tr

from .engine_algorithm import SceneAlgorithm, raster_file
from .engine_call import call_engine

_SCENE_FILTER = "GeoPackage (*.gpkg)"


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

    def add_gsd(self) -> None:
        """The parameter for it, among the advanced ones."""
        real = QgsProcessingParameterNumber.Type.Double
        label = tr("Look at this ground size of a pixel in metres, not at the detector's own")
        number = QgsProcessingParameterNumber("GSD", label, real, None, True, 0.001, 1000.0)
        number.setFlags(number.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
        self.addParameter(number)

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
            "A run that was broken off or cancelled goes on where it stopped when the same is asked for again, "
            "with the same scene. The detector comes with RS Copilot or is an ONNX file of your own."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        self.addParameter(QgsProcessingParameterRasterLayer("RASTER", tr("Raster (a file)")))
        self.add_detector("vehicles-s, hf:…")
        self.addParameter(QgsProcessingParameterExtent("EXTENT", tr("Only in this extent"), optional=True))
        kinds = [QgsProcessing.SourceType.TypeVectorPolygon]
        label = tr("Only in these polygons")
        self.addParameter(QgsProcessingParameterFeatureSource("AREAS", label, kinds, optional=True))
        self.add_gsd()
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Scene"), _SCENE_FILTER))
        self.add_show()

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        layer = self.parameterAsRasterLayer(parameters, "RASTER", context)
        asked = {
            "source": tiles_source(layer),
            "out": self.parameterAsFileOutput(parameters, "OUTPUT", context),
            **self.asked(parameters, context),
        }
        try:
            asked["region"] = self._region(parameters, context, layer)
        except RegionError as error:
            raise QgsProcessingException(messages.lack_text(Lack.BESIDE)) from error
        return self.call(asked, parameters, context, feedback)

    def _region(self, parameters: dict, context: QgsProcessingContext, raster: QgsRasterLayer) -> str | None:
        areas = self.parameterAsSource(parameters, "AREAS", context)
        if areas is not None:
            path = Path(QgsProcessingUtils.generateTempFilename("region.geojson"))
            return write_selection(_all_of(areas, raster), path)
        extent = self.parameterAsExtent(parameters, "EXTENT", context)
        if extent.isNull():
            return None
        return view_region(extent, self.parameterAsExtentCrs(parameters, "EXTENT", context), raster)


class FindInClip(_FindAlgorithm):
    """``rs-copilot detect CLIP``."""

    def name(self) -> str:
        return "findobjectsinclip"

    def displayName(self) -> str:
        return tr("Find objects in a clip")

    def shortHelpString(self) -> str:
        return tr(
            "Looks for objects in the frames of a located clip, lays them on the ground and follows them, "
            "into the layers of detections and tracks of the clip's scene. A clip that the scene does not have "
            "is located on the satellite raster first. The detector “motion” finds whatever moves."
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
        self.add_gsd()
        label = tr("New scene, where the clip is located first")
        out = QgsProcessingParameterFileDestination("OUTPUT", label, _SCENE_FILTER, None, True, False)
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


def tiles_source(layer: QgsRasterLayer | None) -> str:
    """What the engine is told of a raster layer that it reads tile by tile.

    Raises:
        QgsProcessingException: it can read no such layer.
    """
    source = layer.source() if layer is not None and layer.providerType() == "gdal" else ""
    found = raster_of(source)
    if found is None:
        raise QgsProcessingException(messages.lack_text(Lack.NO_RASTER_FILE))
    return found


def _all_of(areas: QgsProcessingFeatureSource, raster: QgsRasterLayer) -> Selection:
    """Every polygon that Processing hands over; it has sorted out the selected ones already."""
    return Selection(
        areas,
        areas.allFeatureIds(),
        to_lonlat(areas.sourceCrs()),
        bounds_lonlat(raster.extent(), raster.crs()),
    )
