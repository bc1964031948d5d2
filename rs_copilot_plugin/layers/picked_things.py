"""Tracks and objects of a scene under a place on the map, as corrections name them."""

from __future__ import annotations

from collections.abc import Mapping

from qgis.core import (
    Qgis,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapSettings,
    QgsPointXY,
    QgsRectangle,
    QgsVectorLayer,
)

from rs_copilot_plugin.presenters.conversation import plain
from rs_copilot_plugin.presenters.corrections import Things

_NUMBERS = {"tracks": ("track", "track_id"), "detections": ("object", "object_id")}
# In a crowd this many are enough to choose from.
_MAX_ROWS = 500


def things_at(
    layers: Mapping[str, QgsVectorLayer], settings: QgsMapSettings, point: QgsPointXY, reach: float
) -> list[Things]:
    """The things within reach, the nearest first, each once.

    Args:
        layers: those of the scene, by their name in the file.
        settings: of the canvas, whose coordinates ``point`` and ``reach`` are in.
        point: the place.
        reach: how near counts.
    """
    found: list[tuple[float, Things]] = []
    for name, (word, field) in _NUMBERS.items():
        layer = layers.get(name)
        if layer is not None and layer.fields().indexOf(field) >= 0:
            found += _in_layer(layer, (word, field), settings, point, reach)
    nearest = sorted(found, key=lambda item: item[0])
    return list({item.keys: item for _, item in reversed(nearest)}.values())[::-1]


def _in_layer(
    layer: QgsVectorLayer, names: tuple[str, str], settings: QgsMapSettings, point: QgsPointXY, reach: float
) -> list[tuple[float, Things]]:
    transform = settings.layerTransform(layer)
    around = QgsRectangle(point.x() - reach, point.y() - reach, point.x() + reach, point.y() + reach)
    request = QgsFeatureRequest().setLimit(_MAX_ROWS)
    place = QgsGeometry.fromPointXY(point)
    try:
        request.setFilterRect(transform.transformBoundingBox(around, Qgis.TransformDirection.Reverse))
        place.transform(transform, Qgis.TransformDirection.Reverse)
        edge = QgsGeometry.fromPointXY(QgsPointXY(point.x() + reach, point.y()))
        edge.transform(transform, Qgis.TransformDirection.Reverse)
    except QgsCsException:
        return []
    rows = [(row.geometry().distance(place), _things(row, *names)) for row in layer.getFeatures(request)]
    near = max(place.distance(edge), 1e-12)
    return [(distance, item) for distance, item in rows if item is not None and distance <= near]


def _things(row: QgsFeature, word: str, field: str) -> Things | None:
    number = row[field]
    if not isinstance(number, int):
        return None
    label = plain(str(row["label"] or word)).replace("\n", " ")
    return Things((f"{word} {number}",), str(row["clip"] or ""), f"{label} {number}")
