"""Names that QGIS moved between 3.22 and 4: asked for by name, so that each version gives its own."""

from __future__ import annotations

from qgis.core import Qgis, QgsTemplatedLineSymbolLayerBase, QgsVectorLayerTemporalProperties


def last_vertex() -> object:
    """Marker line placement at the last vertex (`Qgis.MarkerLinePlacement` since 3.24)."""
    newer = getattr(Qgis, "MarkerLinePlacement", None)
    owner = QgsTemplatedLineSymbolLayerBase if newer is None else newer
    return getattr(owner, "LastVertex")  # noqa: B009 - the lookup by name is the point


def expressions_mode() -> object:
    """Temporal mode with start and end from expressions (`Qgis.VectorTemporalMode` since 3.22 or later)."""
    newer = getattr(Qgis, "VectorTemporalMode", None)
    if newer is not None:
        return newer.FeatureDateTimeStartAndEndFromExpressions
    return getattr(QgsVectorLayerTemporalProperties, "ModeFeatureDateTimeStartAndEndFromExpressions")  # noqa: B009
