"""Index satellite layers as a gallery of tiles, and look photos up in it."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from rs_copilot_plugin.translate import tr

from .engine_algorithm import SCENE_FILTER, SceneAlgorithm, raster_file
from .engine_call import call_engine

SHOWN_TILES = 10


class _GalleryAlgorithm(SceneAlgorithm):
    """Both may use another retrieval network than the one that comes with the engine."""

    def add_network(self) -> None:
        """The parameter for it, among the advanced ones."""
        behaviour = QgsProcessingParameterFile.Behavior.File
        label = tr("Another retrieval network (ONNX, with its card beside it)")
        network = QgsProcessingParameterFile("NETWORK", label, behaviour, "onnx", optional=True)
        network.setFlags(network.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
        self.addParameter(network)

    def network(self, parameters: dict, context: QgsProcessingContext) -> dict[str, str]:
        """What to tell the engine of it."""
        path = self.parameterAsString(parameters, "NETWORK", context)
        return {"weights": path} if path else {}


class IndexSatellite(_GalleryAlgorithm):
    """``rs-copilot index``."""

    def name(self) -> str:
        return "indexsatellite"

    def displayName(self) -> str:
        return tr("Index a satellite layer")

    def shortHelpString(self) -> str:
        return tr(
            "Embeds one or several satellite rasters as overlapping tiles at two or three ground scales, so "
            "that photos can be looked up in them. The index is a folder; its tiles.parquet holds the "
            "footprints of all tiles. Without scales they are chosen from resolution and size of the raster. "
            "Where the folder is an index already, only tiles that have changed are embedded."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        kind = QgsProcessing.SourceType.TypeRaster
        self.addParameter(
            QgsProcessingParameterMultipleLayers("SATELLITE", tr("Satellite rasters (local files)"), kind)
        )
        label = tr("Ground sides of the tiles in metres, separated by commas")
        self.addParameter(QgsProcessingParameterString("SCALES", label, optional=True))
        real = QgsProcessingParameterNumber.Type.Double
        label = tr("Spacing of the tiles in sides")
        self.addParameter(
            QgsProcessingParameterNumber("STRIDE", label, real, 0.5, minValue=0.1, maxValue=1.0)
        )
        self.add_network()
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", tr("Index (a folder)")))

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        layers = self.parameterAsLayerList(parameters, "SATELLITE", context)
        out = self.parameterAsString(parameters, "OUTPUT", context)
        params: dict[str, Any] = {
            "rasters": [raster_file(layer) for layer in layers],
            "out": out,
            "stride": self.parameterAsDouble(parameters, "STRIDE", context),
            **self.network(parameters, context),
        }
        scales = self.parameterAsString(parameters, "SCALES", context).strip()
        if scales:
            params["scales_m"] = _numbers(scales)
        result = call_engine("index", params, feedback)
        text = tr("{} tiles of {} rasters are indexed.")
        feedback.pushInfo(text.format(result["tiles"], result["rasters"]))
        if result["kept"]:
            feedback.pushInfo(tr("{} of them were in the index already.").format(result["kept"]))
        return {"OUTPUT": out}


class SearchTiles(_GalleryAlgorithm):
    """``rs-copilot search``."""

    def name(self) -> str:
        return "searchtiles"

    def displayName(self) -> str:
        return tr("Search similar tiles for a photo")

    def shortHelpString(self) -> str:
        return tr(
            "Ranks the tiles of an index by how much they look like a photo seen from above, and writes the "
            "best into the layer of candidates of a scene. Ground width and heading are taken from telemetry "
            "beside the photo where there is any; what is not known is tried. A high rank is a hint, not a "
            "proof: use Locate clip to be sure."
        )

    def initAlgorithm(self, configuration: dict | None = None) -> None:  # noqa: ARG002
        folder = QgsProcessingParameterFile.Behavior.Folder
        self.addParameter(QgsProcessingParameterFile("INDEX", tr("Index (a folder)"), folder))
        self.addParameter(QgsProcessingParameterFile("IMAGE", tr("Photo")))
        number = QgsProcessingParameterNumber.Type
        self.addParameter(
            QgsProcessingParameterNumber(
                "COUNT", tr("Number of tiles"), number.Integer, 10, minValue=1, maxValue=1000
            )
        )
        label = tr("Ground width of the photo in metres")
        width = QgsProcessingParameterNumber("WIDTH", label, number.Double, None, True, 1.0)
        label = tr("Direction of image-up, degrees clockwise from north")
        heading = QgsProcessingParameterNumber("HEADING", label, number.Double, None, True, -360.0, 360.0)
        self.addParameter(width)
        self.addParameter(heading)
        self.addParameter(QgsProcessingParameterFile("TELEMETRY", tr("Telemetry file"), optional=True))
        self.add_network()
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Scene"), SCENE_FILTER))
        self.add_show()

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        params: dict[str, Any] = {
            "index": self.parameterAsString(parameters, "INDEX", context),
            "image": self.parameterAsString(parameters, "IMAGE", context),
            "k": self.parameterAsInt(parameters, "COUNT", context),
            "out": out,
            **self.network(parameters, context),
        }
        for name, key in (("WIDTH", "width_m"), ("HEADING", "heading_deg")):
            if parameters.get(name) is not None:
                params[key] = self.parameterAsDouble(parameters, name, context)
        telemetry = self.parameterAsString(parameters, "TELEMETRY", context)
        if telemetry:
            params["telemetry"] = telemetry
        result = call_engine("search", params, feedback)
        self.remember_scene(out, parameters, context)
        for tile in result["tiles"][:SHOWN_TILES]:
            feedback.pushInfo("{rank}.  {score:.3f}  {lat:.6f}, {lon:.6f}".format(**tile))
        return {"OUTPUT": out}


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError as error:
        raise QgsProcessingException(
            tr("The scales must be numbers of metres separated by commas, for example 60,120.")
        ) from error
