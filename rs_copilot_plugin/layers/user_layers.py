"""Layers of the user's project that take part in answers: what they are, and copies of what is no file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsAbstractFeatureSource,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from rs_copilot_plugin.presenters.shapes import ShapeKind
from rs_copilot_plugin.presenters.user_layers import Chosen, Role, engine_source, guess_role

from .look_layer import ROLE_PROPERTY as LOOK_PROPERTY
from .region_file import DECIMALS, to_lonlat
from .scene_group import SCENE_PROPERTY

ROLE_PROPERTY = "rs_copilot/ask_role"
# Names for suggestions are looked for in so many features; a copy holds at most so many.
MAX_NAMES, MAX_COPIED = 200, 50_000
_NAME_FIELDS = ("name", "title")
_GEOMETRY = QgsWkbTypes.GeometryType
_KINDS = {
    _GEOMETRY.PointGeometry: ShapeKind.POINT,
    _GEOMETRY.LineGeometry: ShapeKind.LINE,
    _GEOMETRY.PolygonGeometry: ShapeKind.AREA,
}


def user_layers() -> list[QgsVectorLayer]:
    """Vector layers of the project that are the user's own and have a place on Earth, in the tree's order."""
    root = QgsProject.instance().layerTreeRoot()
    found = [node.layer() for node in root.findLayers()]
    return [
        layer
        for layer in found
        if isinstance(layer, QgsVectorLayer)
        and layer.isValid()
        and layer.crs().isValid()
        and kind_of(layer) is not None
        and not layer.customProperty(SCENE_PROPERTY)
        and not layer.customProperty(LOOK_PROPERTY)
    ]


def kind_of(layer: QgsVectorLayer) -> ShapeKind | None:
    """What a layer's geometry is; None for a table."""
    return _KINDS.get(QgsWkbTypes.geometryType(layer.wkbType()))


def role_of(layer: QgsVectorLayer) -> Role:
    """What the user said that a layer holds, else what it probably holds."""
    said = layer.customProperty(ROLE_PROPERTY)
    if said is not None and str(said) in [role.value for role in Role]:
        return Role(str(said))
    # A layer in memory may be evidence, or a sketch: it takes part when the user says so.
    kind = kind_of(layer)
    if kind is None or layer.providerType() == "memory":
        return Role.NONE
    return guess_role(layer.name(), kind, layer.fields().names())


def set_role(layer: QgsVectorLayer, role: Role) -> None:
    """Remember what a layer holds, with the project."""
    layer.setCustomProperty(ROLE_PROPERTY, role.value)
    QgsProject.instance().setDirty(True)


def chosen_layers() -> tuple[Chosen, ...]:
    """All of the user's layers with what they hold."""
    return tuple(
        Chosen(layer.id(), layer.name(), role_of(layer), source_of(layer)) for layer in user_layers()
    )


def source_of(layer: QgsVectorLayer) -> str:
    """Where the engine can read a layer; empty where it needs a copy."""
    is_as_saved = not (layer.isEditable() and layer.isModified())
    if layer.providerType() != "ogr" or layer.subsetString() or not is_as_saved:
        return ""
    return engine_source(layer.source())


def feature_names(layer: QgsVectorLayer, around: QgsRectangle) -> list[str]:
    """Names of features in an area (degrees), those in its middle first; of a layer without names, none."""
    fields = {name.lower(): name for name in layer.fields().names()}
    field = next((fields[name] for name in _NAME_FIELDS if name in fields), None)
    if field is None:
        return []
    request = QgsFeatureRequest().setSubsetOfAttributes([field], layer.fields()).setLimit(MAX_NAMES)
    try:
        area = to_lonlat(layer.crs()).transformBoundingBox(around, Qgis.TransformDirection.Reverse)
    except QgsCsException:
        return []
    rows = layer.getFeatures(request.setFilterRect(area))
    found = [(row.geometry().boundingBox().center(), row[field]) for row in rows]
    named = [(area.center().sqrDist(middle), name) for middle, name in found if isinstance(name, str)]
    return [name for _, name in sorted(named)]


def selected_features(layer: QgsVectorLayer, limit: int) -> list[tuple[str, dict[str, Any]]]:
    """The first selected features: title, and GeoJSON in degrees."""
    request = QgsFeatureRequest().setFilterFids(layer.selectedFeatureIds()).setLimit(limit)
    transform = to_lonlat(layer.crs())
    fields = {name.lower(): name for name in layer.fields().names()}
    name = next((fields[key] for key in _NAME_FIELDS if key in fields), None)
    found = []
    for feature in layer.getFeatures(request):
        geometry = _in_degrees(feature, transform)
        if geometry is not None:
            own = feature[name] if name is not None else None
            found.append((own if isinstance(own, str) else f"{layer.name()} {feature.id()}", geometry))
    return found


@dataclass
class Copy:
    """A layer that the engine cannot open, ready to be read in a helper thread."""

    id: str
    source: QgsAbstractFeatureSource | QgsFeatureSource
    fields: list[str]
    to_lonlat: QgsCoordinateTransform


def take_copy(layer: QgsVectorLayer) -> Copy:
    """Look at the layer, in the main thread; nothing is read yet."""
    return Copy(
        layer.id(), QgsVectorLayerFeatureSource(layer), layer.fields().names(), to_lonlat(layer.crs())
    )


def write_copy(copy: Copy, path: Path) -> str:
    """Write the features as GeoJSON, in a helper thread; returns the file."""
    request = QgsFeatureRequest().setLimit(MAX_COPIED)
    features = []
    for feature in copy.source.getFeatures(request):
        geometry = _in_degrees(feature, copy.to_lonlat)
        if geometry is not None:
            values = dict(zip(copy.fields, map(_json_value, feature.attributes())))
            row = {"type": "Feature", "properties": values, "geometry": geometry}
            features.append({**row, "id": feature.id()} if feature.id() >= 0 else row)
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def _in_degrees(feature: QgsFeature, transform: QgsCoordinateTransform) -> dict[str, Any] | None:
    shape = feature.geometry()
    if shape.isNull() or shape.isEmpty():
        return None
    try:
        shape.transform(transform)
    except QgsCsException:
        return None
    found = json.loads(shape.asJson(DECIMALS))
    return found if isinstance(found, dict) else None


def _json_value(value: object) -> object:
    if isinstance(value, (bool, int, float, str)):
        return value
    return None
