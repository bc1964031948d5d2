"""What the algorithms have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from rs_copilot_plugin.layers.scene_file import SceneFileError
from rs_copilot_plugin.layers.scene_group import show_scene
from rs_copilot_plugin.presenters.locate import local_file_of
from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.translate import tr

SCENE_FILTER = "GeoPackage (*.gpkg)"


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


class SceneAlgorithm(EngineAlgorithm):
    """An algorithm that writes a scene: without a look at the map nobody would know what came out.

    ``shown_layers`` are switched on even where they are off at first.
    """

    shown_layers: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._scene: Path | None = None

    def add_show(self) -> None:
        """The parameter for it."""
        self.addParameter(QgsProcessingParameterBoolean("SHOW", tr("Show the result on the map"), True))

    def remember_scene(self, scene: str, parameters: dict, context: QgsProcessingContext) -> None:
        """Show this scene when all is done, if that is wanted."""
        if self.parameterAsBool(parameters, "SHOW", context):
            self._scene = Path(scene)

    def postProcessAlgorithm(
        self, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        # QGIS calls this in the main thread; without a project on the screen there is no map.
        if self._scene is not None and context.project() is QgsProject.instance():
            try:
                # Processing calls every temporary file by the name of its parameter.
                stem = self._scene.stem
                title = self.displayName() if stem == "OUTPUT" else stem
                show_scene(self._scene, title, self.shown_layers)
            except SceneFileError as error:
                feedback.pushWarning(str(error))
        return {}


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
