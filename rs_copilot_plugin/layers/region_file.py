"""The part of a raster that a job looks at: what the map shows, or polygons that the user has selected.

The engine takes longitudes and latitudes, as a rectangle or as a file; the user's layers are only read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsAbstractFeatureSource,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)

WGS84 = "EPSG:4326"
DECIMALS = 9
# Straight edges of a projected map are bent in degrees: corners are no farther apart than this share.
EDGE_SHARE = 0.02


class RegionError(Exception):
    """There is nothing to look at: the region lies beside the raster, or has no place on Earth."""


def to_lonlat(crs: QgsCoordinateReferenceSystem) -> QgsCoordinateTransform:
    """From a CRS to degrees."""
    return QgsCoordinateTransform(crs, QgsCoordinateReferenceSystem(WGS84), QgsProject.instance())


def bounds_lonlat(rectangle: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> QgsRectangle:
    """A rectangle in degrees around another one, not beyond the Earth.

    Raises:
        RegionError: it has no place on Earth.
    """
    try:
        found = to_lonlat(crs).transformBoundingBox(rectangle)
    except QgsCsException as error:
        raise RegionError from error
    if not found.isFinite() or found.isEmpty():
        raise RegionError
    return found.intersect(QgsRectangle(-180.0, -90.0, 180.0, 90.0))


def view_region(view: QgsRectangle, crs: QgsCoordinateReferenceSystem, raster: QgsRasterLayer) -> str:
    """What the map shows, as the engine takes it: LON1,LAT1,LON2,LAT2.

    Raises:
        RegionError: the map shows nothing of the raster.
    """
    found = bounds_lonlat(view, crs)
    if not found.intersects(bounds_lonlat(raster.extent(), raster.crs())):
        raise RegionError
    corners = (found.xMinimum(), found.yMinimum(), found.xMaximum(), found.yMaximum())
    return ",".join(f"{value:.{DECIMALS}f}" for value in corners)


@dataclass
class Selection:
    """The selected polygons of a layer, ready to be read in a helper thread, edits included."""

    source: QgsAbstractFeatureSource | QgsFeatureSource
    fids: list[int]
    to_lonlat: QgsCoordinateTransform
    raster: QgsRectangle


def take_selection(layer: QgsVectorLayer, raster: QgsRasterLayer) -> Selection:
    """Look at the layer, in the main thread; nothing is read yet.

    Raises:
        RegionError: the raster has no place on Earth.
    """
    inside = bounds_lonlat(raster.extent(), raster.crs())
    return Selection(
        QgsVectorLayerFeatureSource(layer), list(layer.selectedFeatureIds()), to_lonlat(layer.crs()), inside
    )


def write_selection(selection: Selection, path: Path) -> str:
    """Write the polygons as GeoJSON, in a helper thread; returns the file as the engine takes it.

    Raises:
        RegionError: none of them touches the raster.
    """
    request = QgsFeatureRequest().setFilterFids(selection.fids).setNoAttributes()
    shapes = []
    for feature in selection.source.getFeatures(request):
        shape = _in_degrees(feature.geometry(), selection.to_lonlat)
        if shape is not None and shape.boundingBox().intersects(selection.raster):
            shapes.append(json.loads(shape.asJson(DECIMALS)))
    if not shapes:
        raise RegionError
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def _in_degrees(shape: QgsGeometry, transform: QgsCoordinateTransform) -> QgsGeometry | None:
    """A copy in degrees, or None where it has no place on Earth."""
    if shape.isNull() or shape.isEmpty():
        return None
    box = shape.boundingBox()
    dense = shape.densifyByDistance(max(box.width(), box.height()) * EDGE_SHARE)
    try:
        dense.transform(transform)
    except QgsCsException:
        return None
    return dense
