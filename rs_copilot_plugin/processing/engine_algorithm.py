"""What the algorithms have in common."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm, QgsProcessingException, QgsRasterLayer
from qgis.PyQt.QtGui import QIcon

from rs_copilot_plugin.presenters.locate import local_file_of
from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.translate import tr


class EngineAlgorithm(QgsProcessingAlgorithm):
    """An algorithm whose work the engine does."""

    icon_name = "rs_copilot.svg"

    def createInstance(self) -> QgsProcessingAlgorithm:
        return type(self)()

    def group(self) -> str:
        return ""

    def groupId(self) -> str:
        return ""

    def icon(self) -> QIcon:
        return icon(self.icon_name)


def raster_file(layer: QgsRasterLayer | None) -> str:
    """The file of a raster layer.

    Raises:
        QgsProcessingException: it has none that the engine could open.
    """
    source = layer.source() if layer is not None and layer.providerType() == "gdal" else ""
    found = local_file_of(source)
    if found is None:
        raise QgsProcessingException(
            tr("The satellite layer has no local file. Save the area you need as a GeoTIFF first.")
        )
    return str(found)
