"""Rasters that the engine reads tile by tile, and which part of them is wanted."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
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
from rs_copilot_plugin.presenters.find import raster_of
from rs_copilot_plugin.presenters.locate import Lack
from rs_copilot_plugin.translate import tr


def raster_parameter() -> QgsProcessingParameterRasterLayer:
    """The raster."""
    return QgsProcessingParameterRasterLayer("RASTER", tr("Raster (a file)"))


def region_parameters() -> list[QgsProcessingParameterDefinition]:
    """Two ways to say where to look; neither is needed."""
    kinds = [QgsProcessing.SourceType.TypeVectorPolygon]
    return [
        QgsProcessingParameterExtent("EXTENT", tr("Only in this extent"), optional=True),
        QgsProcessingParameterFeatureSource("AREAS", tr("Only in these polygons"), kinds, optional=True),
    ]


def gsd_parameter() -> QgsProcessingParameterNumber:
    """At which resolution to look, among the advanced parameters."""
    real = QgsProcessingParameterNumber.Type.Double
    label = tr("Look at this ground size of a pixel in metres, not at the network's own")
    number = QgsProcessingParameterNumber("GSD", label, real, None, True, 0.001, 1000.0)
    number.setFlags(number.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return number


def tiles_source(layer: QgsRasterLayer | None) -> str:
    """What the engine is told of a raster layer.

    Raises:
        QgsProcessingException: it can read no such layer.
    """
    source = layer.source() if layer is not None and layer.providerType() == "gdal" else ""
    found = raster_of(source)
    if found is None:
        raise QgsProcessingException(messages.lack_text(Lack.NO_RASTER_FILE))
    return found


def region_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict, context: QgsProcessingContext
) -> str | None:
    """The wanted part of the raster as the engine takes it; None for all.

    Raises:
        QgsProcessingException: the raster has nothing there.
    """
    raster = algorithm.parameterAsRasterLayer(parameters, "RASTER", context)
    areas = algorithm.parameterAsSource(parameters, "AREAS", context)
    extent = algorithm.parameterAsExtent(parameters, "EXTENT", context)
    try:
        if areas is not None:
            path = Path(QgsProcessingUtils.generateTempFilename("region.geojson"))
            return write_selection(_all_of(areas, raster), path)
        if extent.isNull():
            return None
        crs = algorithm.parameterAsExtentCrs(parameters, "EXTENT", context)
        return view_region(extent, crs, raster)
    except RegionError as error:
        raise QgsProcessingException(messages.lack_text(Lack.BESIDE)) from error


def _all_of(areas: QgsProcessingFeatureSource, raster: QgsRasterLayer) -> Selection:
    """Every polygon that Processing hands over; it has sorted out the selected ones already."""
    inside = bounds_lonlat(raster.extent(), raster.crs())
    return Selection(areas, areas.allFeatureIds(), to_lonlat(areas.sourceCrs()), inside)
