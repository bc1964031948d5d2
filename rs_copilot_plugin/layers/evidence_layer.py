"""Evidence as layers in memory, one for each kind of geometry, for the user to look into and to save."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsLayerTreeGroup,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)

from rs_copilot_plugin.presenters.ask import Evidence
from rs_copilot_plugin.presenters.shapes import Shape, ShapeKind

from . import styles
from .region_file import WGS84

_TYPES = {ShapeKind.AREA: "MultiPolygon", ShapeKind.LINE: "MultiLineString", ShapeKind.POINT: "MultiPoint"}
_FIELDS = (
    "field=says:string&field=layer:string&field=fid:integer&field=clip:string&field=time_s:double"
    "&field=question:string&field=answer:string"
)


def geometry_of(shape: Shape) -> QgsGeometry:
    """A shape as QGIS knows it, in degrees."""
    rings = [[[QgsPointXY(*point) for point in ring] for ring in part] for part in shape.parts]
    if shape.kind is ShapeKind.AREA:
        return QgsGeometry.fromMultiPolygonXY(rings)
    if shape.kind is ShapeKind.LINE:
        return QgsGeometry.fromMultiPolylineXY([part[0] for part in rings])
    return QgsGeometry.fromMultiPointXY([part[0][0] for part in rings])


def add_evidence(
    title: str, question: str, answer: str, evidence: Iterable[Evidence], group: QgsLayerTreeGroup
) -> list[QgsVectorLayer]:
    """Put evidence into the project; layers of areas go below those of lines and points."""
    rows = [item for item in evidence if item.shape is not None]
    made = []
    for kind, name in _TYPES.items():
        chosen = [item for item in rows if item.shape is not None and item.shape.kind is kind]
        if not chosen:
            continue
        layer = QgsVectorLayer(f"{name}?crs={WGS84}&{_FIELDS}", title, "memory")
        layer.dataProvider().addFeatures([_feature(layer, item, question, answer) for item in chosen])
        layer.updateExtents()
        styles.set_tips(layer, "evidence")
        QgsProject.instance().addMapLayer(layer, False)
        group.insertLayer(0, layer)
        made.append(layer)
    return made


def _feature(layer: QgsVectorLayer, item: Evidence, question: str, answer: str) -> QgsFeature:
    feature = QgsFeature(layer.fields())
    if item.shape is not None:
        feature.setGeometry(geometry_of(item.shape))
    feature.setAttributes([item.says, item.layer, item.fid, item.clip, item.time_s, question, answer])
    return feature
