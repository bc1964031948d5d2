"""Makes clip time playable with QGIS's own temporal controller.

Scene layers carry seconds from the start of the clip, not dates. The controller wants dates, so clip time
is laid onto a fixed day at midnight: its clock then reads the clip's own hours, minutes and seconds.
"""

from __future__ import annotations

from qgis.core import (
    QgsDateTimeRange,
    QgsInterval,
    QgsProject,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QTime

from .compat import expressions_mode

_BASE = "make_datetime(2000, 1, 1, 0, 0, 0)"
# Some layers speak for a moment (a frame), some for a stretch (a track).
_INSTANT = frozenset(
    {"frames", "footprints", "detections", "search_area", "candidates", "groundings", "looks", "segments"}
)
_ALWAYS_S = 86_400
_STRETCH = frozenset({"tracks"})


def base_datetime() -> QDateTime:
    """The moment that stands for time 0 of every clip."""
    return QDateTime(QDate(2000, 1, 1), QTime(0, 0))


def make_temporal(layer: QgsVectorLayer, name: str, interval_s: float) -> bool:
    """Let the temporal controller filter a layer; returns whether the layer has time at all."""
    if name in _INSTANT:
        # What was found in a raster has no time: it is there at every time.
        start = 'coalesce("time_s", 0)'
        end = f'coalesce("time_s" + {max(interval_s, 1.0):.6g}, {_ALWAYS_S})'
    elif name in _STRETCH:
        start, end = '"start_s"', '"end_s"'
    else:
        return False
    properties = layer.temporalProperties()
    properties.setMode(expressions_mode())
    properties.setStartExpression(f"{_BASE} + make_interval(seconds:={start})")
    properties.setEndExpression(f"{_BASE} + make_interval(seconds:={end})")
    properties.setIsActive(True)
    return True


def set_project_range(duration_s: float, interval_s: float) -> None:
    """Give the project the clip's time span, unless the user has chosen one."""
    settings = QgsProject.instance().timeSettings()
    current = settings.temporalRange()
    ours = current.begin() == base_datetime()
    if not (current.isInfinite() or ours or not current.begin().isValid()):
        return
    end = base_datetime().addMSecs(int(1000 * max(duration_s, 1.0)))
    if ours and current.end() >= end:
        return
    settings.setTemporalRange(QgsDateTimeRange(base_datetime(), end))
    settings.setTimeStep(max(1.0, interval_s))
    settings.setTimeStepUnit(QgsUnitTypes.TemporalUnit.TemporalSeconds)


def prepare_controller(canvas: object, duration_s: float, interval_s: float) -> None:
    """Set up the map's temporal controller, so that its play button works at once."""
    controller = canvas.temporalController() if hasattr(canvas, "temporalController") else None
    if controller is None or not hasattr(controller, "setTemporalExtents"):
        return
    end = base_datetime().addMSecs(int(1000 * max(duration_s, 1.0)))
    controller.setTemporalExtents(QgsDateTimeRange(base_datetime(), end))
    controller.setFrameDuration(QgsInterval(max(1.0, interval_s)))
