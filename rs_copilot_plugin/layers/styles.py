"""Styles of the scene's layers, made in code so that they follow the palette and every QGIS version."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsExpressionContextUtils,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMarkerLineSymbolLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRendererCategory,
    QgsRuleBasedRenderer,
    QgsSimpleFillSymbolLayer,
    QgsSimpleLineSymbolLayer,
    QgsSimpleMarkerSymbolLayer,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.presenters.scene import INNER_AREA_AT_MOST
from rs_copilot_plugin.translate import tr

from . import palette
from .compat import last_vertex

# One hue per track, far apart for neighbouring numbers: the golden angle.
TRACK_COLOUR = 'color_hsl((coalesce("track_id", 0) * 137) % 360, 90, 58)'
ERROR_CIRCLE = 0  # index of the circle among the symbol layers of a frame
# About so many frames of a clip are drawn in full; all of them while the temporal controller picks a moment.
KEY_FRAMES = 20
KEY_FRAME = (
    "@map_start_time is not null or @rs_key_s is null or "
    'floor("time_s" / @rs_key_s + 0.000001) <> floor(("time_s" - @rs_step_s) / @rs_key_s + 0.000001)'
)

# What the colour of an object says, by layer; what moves has a class, too, but it is a guess from its size.
_CLASS_OF = {
    "detections": "if(\"source\" = 'motion', '', \"label\")",
    "segments": "label",
    "spoken": "label",
}
_OPACITY = QgsSymbol.Property.PropertyOpacity
OPACITY_PERCENT = 'scale_linear(coalesce("score", 1), 0, 1, 35, 100)'


def _html(expression: str) -> str:
    """The expression's text in HTML: a label may be a model's words, and map tips are web pages."""
    return f"replace({expression}, map('&', '&amp;', '<', '&lt;', '>', '&gt;'))"


_FRAME_TITLE = "\"clip\" || ' · ' || format_number(\"time_s\", 2) || ' s'"
_PLACED_TIP = (
    '[% "status" %]'
    "[% coalesce(', ±' || format_number(\"error_m\", 1) || ' m (90 %)', '') %]"
    "[% coalesce(', score ' || format_number(\"score\", 2), '') %]"
)
_CLIP_HTML, _REASON_HTML, _PHRASE_HTML = _html('"clip"'), _html('"reason"'), _html('"phrase"')
_REASON_TIP = f"[% coalesce('<br>' || {_REASON_HTML}, '') %]"
_AREA_TIP = (
    '[% format_number(100 * "probability", 0) %] % · '
    '[% if("area_km2" < 1, format_number(100 * "area_km2", 1) || \' ha\', '
    "format_number(\"area_km2\", 1) || ' km²') %]"
)
_OBJECT_TITLE = "\"label\" || coalesce(' ' || format_number(\"score\", 2), '')"
_OBJECT_TIP = f"[% {_CLIP_HTML} %][% coalesce(' · ' || format_number(\"time_s\", 2) || ' s', '') %]"
_SEGMENT_TIP = (
    '[% if("area_m2" < 10000, format_number("area_m2", 0) || \' m²\', '
    "format_number(\"area_m2\" / 10000, 2) || ' ha') %]"
)
# What a model says is text, never markup.
_SOURCE_HTML = _html('"layer"')
_ANSWER_HTML = _html("coalesce(nullif(\"answer\", ''), \"reason\", '')")
_LOOK_TIP = f"[% {_REASON_HTML} %]"
# Scenes of earlier versions say no level; `attribute` is null there, where a column's name would be an error.
_AREA_LEVEL = "coalesce(attribute($currentfeature, 'level'), \"probability\")"
_CANDIDATE_TIP = '[% format_number("score", 3) %]'


def apply_style(layer: QgsVectorLayer, name: str) -> None:
    """Give a scene layer its look; unknown names keep QGIS's own."""
    style = _STYLES.get(name)
    if style is not None:
        style(layer)
    set_tips(layer, name)


def set_tips(layer: QgsVectorLayer, name: str) -> None:
    """What QGIS shows beside the mouse (*View → Show Map Tips*) and as the name of a feature."""
    tips = {
        "frames": (_FRAME_TITLE, _PLACED_TIP + _REASON_TIP),
        "footprints": (_FRAME_TITLE, '[% "status" %]'),
        "search_area": (_FRAME_TITLE, _AREA_TIP),
        "candidates": ("'#' || \"rank\"", _CANDIDATE_TIP),
        "detections": (_OBJECT_TITLE, _OBJECT_TIP),
        "segments": ('"label"', _SEGMENT_TIP),
        "groundings": (_OBJECT_TITLE, f"[% {_PHRASE_HTML} %]"),
        "spoken": (_OBJECT_TITLE, ""),
        "looks": ("'#' || \"step\"", _LOOK_TIP),
        "evidence": ('"says"', f"[% {_SOURCE_HTML} %]"),
        "answers": ('"question"', f"[% {_ANSWER_HTML} %]"),
    }
    if name in tips:
        title, tip = tips[name]
        layer.setDisplayExpression(title)
        layer.setMapTipTemplate(f"<b>[% {_html(title)} %]</b><br>{tip}")


def set_key_spacing(layer: QgsVectorLayer, step_s: float, duration_s: float) -> None:
    """Tell a layer how far its frames are apart and how long the clip is; its style is not touched."""
    key_s = max(step_s, duration_s / KEY_FRAMES)
    for name, value in (("rs_step_s", step_s), ("rs_key_s", key_s)):
        QgsExpressionContextUtils.setLayerVariable(layer, name, f"{value:.6g}")


def show_error_circles(layer: QgsVectorLayer, shown: bool) -> None:
    """Switch the circles of 90 % probability of a ``frames`` layer."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer):
        return
    for index, category in enumerate(renderer.categories()):
        symbol = category.symbol().clone()
        symbol.symbolLayer(ERROR_CIRCLE).setEnabled(shown)
        renderer.updateCategorySymbol(index, symbol)
    layer.triggerRepaint()


def _only_where(part: QgsSymbolLayer, expression: str) -> None:
    enabled = QgsSymbolLayer.Property.PropertyLayerEnabled
    part.setDataDefinedProperty(enabled, QgsProperty.fromExpression(expression))


def _colour(text: str, alpha: int = 255) -> QColor:
    colour = QColor(text)
    colour.setAlpha(alpha)
    return colour


def _filled(symbol: QgsSymbol, *parts: QgsSymbolLayer) -> QgsSymbol:
    """The symbol made of these parts. One by one, because a list handed over stays owned by Python."""
    symbol.changeSymbolLayer(0, parts[0])
    for part in parts[1:]:
        symbol.appendSymbolLayer(part)
    return symbol


def _by_status(layer: QgsVectorLayer, make: Callable[[str], QgsSymbol]) -> None:
    labels = {
        "located": tr("Located: matched to the map"),
        "tracked": tr("Tracked: carried from a located neighbour"),
        "unlocated": tr("Unlocated"),
    }
    categories = [
        QgsRendererCategory(status, make(colour), labels[status])
        for status, colour in palette.STATUS.items()
        if not (status == "unlocated" and layer.name() == "footprints")
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer("status", categories))


def _frame_symbol(colour: str) -> QgsSymbol:
    circle = QgsSimpleMarkerSymbolLayer()
    circle.setSizeUnit(QgsUnitTypes.RenderUnit.RenderMetersInMapUnits)
    circle.setColor(_colour(colour, 26))
    circle.setStrokeColor(_colour(colour, 150))
    circle.setStrokeWidth(0.2)
    circle.setDataDefinedProperty(
        QgsSymbolLayer.Property.PropertySize, QgsProperty.fromExpression('2 * coalesce("error_m", 0)')
    )
    circle.setEnabled(False)
    small = QgsSimpleMarkerSymbolLayer(size=0.9, color=_colour(colour), strokeColor=_colour(palette.CASING))
    small.setStrokeWidth(0.1)
    dot = QgsSimpleMarkerSymbolLayer(size=1.9, color=_colour(colour), strokeColor=_colour(palette.CASING))
    dot.setStrokeWidth(0.25)
    _only_where(dot, KEY_FRAME)
    return _filled(QgsMarkerSymbol.createSimple({}), circle, small, _yaw_arrow(colour), dot)


def _yaw_arrow(colour: str) -> QgsSimpleMarkerSymbolLayer:
    """A slim pointer from the frame's centre towards image-up."""
    arrow = QgsSimpleMarkerSymbolLayer.create({"name": "triangle", "offset": "0,-2.1"})
    arrow.setSize(1.7)
    arrow.setColor(_colour(colour))
    arrow.setStrokeColor(_colour(palette.CASING))
    arrow.setStrokeWidth(0.2)
    arrow.setDataDefinedProperty(
        QgsSymbolLayer.Property.PropertyAngle, QgsProperty.fromExpression('coalesce("yaw_deg", 0)')
    )
    # Frames that do not know their direction show none.
    _only_where(arrow, f'"yaw_deg" is not null and ({KEY_FRAME})')
    return arrow


def _style_frames(layer: QgsVectorLayer) -> None:
    _by_status(layer, _frame_symbol)


def _footprint_symbol(colour: str) -> QgsSymbol:
    # Hundreds of footprints overlap: filled or all equally strong they would bury the map.
    faint = QgsSimpleFillSymbolLayer(_colour(colour, 0), strokeColor=_colour(colour, 16), strokeWidth=0.2)
    strong = QgsSimpleFillSymbolLayer(_colour(colour, 0), strokeColor=_colour(colour, 205), strokeWidth=0.34)
    _only_where(strong, KEY_FRAME)
    return _filled(QgsFillSymbol.createSimple({}), faint, strong)


def _style_footprints(layer: QgsVectorLayer) -> None:
    _by_status(layer, _footprint_symbol)


def _cased_line(colour: str, width_mm: float, casing: str, casing_alpha: int = 220) -> QgsLineSymbol:
    below = QgsSimpleLineSymbolLayer(_colour(casing, casing_alpha), width_mm + 0.7)
    above = QgsSimpleLineSymbolLayer(_colour(colour), width_mm)
    for line in (below, above):
        line.setPenCapStyle(Qt.PenCapStyle.RoundCap)
        line.setPenJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return _filled(QgsLineSymbol.createSimple({}), below, above)


def _heads(colour: str, interval_mm: float) -> QgsMarkerLineSymbolLayer:
    """Arrow heads along a line, in its direction."""
    marker = QgsSimpleMarkerSymbolLayer.create({"name": "filled_arrowhead"})
    marker.setSize(2.6)
    marker.setColor(_colour(colour))
    marker.setStrokeColor(_colour(palette.CASING))
    marker.setStrokeWidth(0.2)
    heads = QgsMarkerLineSymbolLayer(True, interval_mm)
    heads.setSubSymbol(_filled(QgsMarkerSymbol.createSimple({}), marker))
    return heads


def _style_trajectory(layer: QgsVectorLayer) -> None:
    symbol = _cased_line(palette.TRAJECTORY, 0.8, palette.CASING)
    symbol.appendSymbolLayer(_heads(palette.TRAJECTORY, 22.0))
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def _style_tracks(layer: QgsVectorLayer) -> None:
    symbol = _cased_line("#ffd60a", 0.7, palette.INK, 200)
    colour = QgsProperty.fromExpression(TRACK_COLOUR)
    symbol.symbolLayer(1).setDataDefinedProperty(QgsSymbolLayer.Property.PropertyStrokeColor, colour)
    head = QgsSimpleMarkerSymbolLayer.create({"name": "filled_arrowhead"})
    head.setSize(2.4)
    head.setStrokeColor(_colour(palette.INK))
    head.setStrokeWidth(0.2)
    head.setDataDefinedProperty(QgsSymbolLayer.Property.PropertyFillColor, colour)
    last = QgsMarkerLineSymbolLayer()
    last.setPlacement(last_vertex())
    last.setSubSymbol(_filled(QgsMarkerSymbol.createSimple({}), head))
    symbol.appendSymbolLayer(last)
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    _label(layer, "round(\"mean_speed_mps\" * 3.6) || ' km/h'", min_scale=4000.0)


def _label(layer: QgsVectorLayer, expression: str, min_scale: float, size_pt: float = 7.5) -> None:
    buffer = QgsTextBufferSettings()
    buffer.setEnabled(True)
    buffer.setSize(0.8)
    buffer.setColor(_colour(palette.INK, 210))
    text = QgsTextFormat()
    text.setSize(size_pt)
    text.setColor(_colour("#ffffff"))
    text.setBuffer(buffer)
    settings = QgsPalLayerSettings()
    settings.fieldName, settings.isExpression = expression, True
    settings.placement = QgsPalLayerSettings.Placement.Horizontal
    settings.scaleVisibility, settings.minimumScale = True, min_scale
    settings.setFormat(text)
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


def _outline(layer: QgsVectorLayer, colour: str, fill_alpha: int, width_mm: float) -> None:
    fill = QgsSimpleFillSymbolLayer(
        _colour(colour, fill_alpha), strokeColor=_colour(colour, 220), strokeWidth=width_mm
    )
    layer.setRenderer(QgsSingleSymbolRenderer(_filled(QgsFillSymbol.createSimple({}), fill)))


def _style_groundings(layer: QgsVectorLayer) -> None:
    _outline(layer, palette.MOVING, 30, 0.25)


def _style_looks(layer: QgsVectorLayer) -> None:
    """Dashed frames with their number: where a model looked, not what it found."""
    fill = QgsSimpleFillSymbolLayer(
        _colour(palette.ACCENT, 0),
        strokeColor=_colour(palette.ACCENT, 220),
        strokeStyle=Qt.PenStyle.DashLine,
        strokeWidth=0.5,
    )
    layer.setRenderer(QgsSingleSymbolRenderer(_filled(QgsFillSymbol.createSimple({}), fill)))
    _label(layer, 'if("step" > 0, "step", null)', min_scale=100_000.0, size_pt=10.0)


def _box_symbol(colour: str, fill_alpha: int = 40, width_mm: float = 0.35) -> QgsSymbol:
    fill = QgsSimpleFillSymbolLayer(
        _colour(colour, fill_alpha), strokeColor=_colour(colour), strokeWidth=width_mm
    )
    return _filled(QgsFillSymbol.createSimple({}), fill)


def _object_symbol(colour: str) -> QgsSymbol:
    """A dark casing under the outline: it holds on light and on dark ground."""
    casing = QgsSimpleFillSymbolLayer(
        _colour(colour, 0), strokeColor=_colour(palette.INK, 170), strokeWidth=0.75
    )
    inside = QgsSimpleFillSymbolLayer(_colour(colour, 40), strokeColor=_colour(colour), strokeWidth=0.4)
    symbol = _filled(QgsFillSymbol.createSimple({}), casing, inside)
    symbol.setDataDefinedProperty(_OPACITY, QgsProperty.fromExpression(OPACITY_PERCENT))
    return symbol


def _segment_symbol(colour: str) -> QgsSymbol:
    return _box_symbol(colour, fill_alpha=95, width_mm=0.2)


def _style_detections(layer: QgsVectorLayer) -> None:
    """By class, which `add_classes` brings."""
    layer.setRenderer(QgsCategorizedSymbolRenderer(_CLASS_OF["detections"], []))
    # A clip has the same object in hundreds of frames: their captions are in the video.
    _label(layer, f'if("time_s" is null or @map_start_time is not null, {_OBJECT_TITLE}, null)', 1500.0)
    settings = layer.labeling().settings()
    settings.placement = QgsPalLayerSettings.Placement.OutsidePolygons
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))


def _style_spoken(layer: QgsVectorLayer) -> None:
    """By class, which `add_classes` brings."""
    layer.setRenderer(QgsCategorizedSymbolRenderer(_CLASS_OF["spoken"], []))
    _label(layer, _OBJECT_TITLE, min_scale=15000.0)
    settings = layer.labeling().settings()
    settings.placement = QgsPalLayerSettings.Placement.OutsidePolygons
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))


def _style_answers(layer: QgsVectorLayer) -> None:
    _outline(layer, palette.ACCENT, 24, 0.4)


def _style_segments(layer: QgsVectorLayer) -> None:
    """By class, which `add_classes` brings; thinly filled so that the map shows through."""
    layer.setRenderer(QgsCategorizedSymbolRenderer(_CLASS_OF["segments"], []))
    _label(layer, '"label"', min_scale=5000.0)


def add_classes(layer: QgsVectorLayer, name: str, labels: Iterable[str]) -> None:
    """Give classes that have just turned up a colour each; what is there stays as it is."""
    renderer = layer.renderer()
    if name not in _CLASS_OF or not isinstance(renderer, QgsCategorizedSymbolRenderer):
        return
    if renderer.classAttribute() != _CLASS_OF[name]:
        return  # the user has chosen another look
    fresh = [label for label in labels if label not in {str(item.value()) for item in renderer.categories()}]
    if not fresh:
        return
    changed = renderer.clone()
    for label in fresh:
        number = sum(bool(item.value()) for item in changed.categories())
        changed.addCategory(_category(name, label, palette.CLASSES[number % len(palette.CLASSES)]))
    layer.setRenderer(changed)


def _category(name: str, label: str, colour: str) -> QgsRendererCategory:
    if name == "segments":
        return QgsRendererCategory(label, _segment_symbol(colour), label)
    if label:
        # In a print layout, QGIS would work out what stands between these signs.
        return QgsRendererCategory(label, _object_symbol(colour), label.replace("[%", "[ %"))
    title = tr("Others") if name == "spoken" else tr("Found by motion")
    return QgsRendererCategory(label, _box_symbol(palette.MOVING, 30, 0.25), title)


def class_colours(layer: QgsVectorLayer) -> dict[str, str]:
    """The colour of each class, as the user sees it on the map."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer):
        return {}
    # Colour of the topmost part: that of the symbol as a whole is its lowest part's.
    return {
        str(item.value()): item.symbol().symbolLayer(item.symbol().symbolLayerCount() - 1).color().name()
        for item in renderer.categories()
    }


def _style_search_area(layer: QgsVectorLayer) -> None:
    """Two levels; of many unlocated frames only some are drawn in full, or they would bury the map."""
    inner, outer = QgsRuleBasedRenderer.Rule(None), QgsRuleBasedRenderer.Rule(None)
    for rule, label, where, alpha, dashed in (
        (inner, tr("Where an unlocated frame may be: about half"), f"<= {INNER_AREA_AT_MOST}", 20, False),
        (outer, tr("Where an unlocated frame may be: about 90 %"), f"> {INNER_AREA_AT_MOST}", 6, True),
    ):
        rule.setSymbol(_area_symbol(alpha, dashed))
        rule.setLabel(label)
        rule.setFilterExpression(f"{_AREA_LEVEL} {where}")
    root = QgsRuleBasedRenderer.Rule(None)
    root.appendChild(outer)
    root.appendChild(inner)
    layer.setRenderer(QgsRuleBasedRenderer(root))


def _area_symbol(fill_alpha: int, dashed: bool) -> QgsSymbol:
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    area = QgsSimpleFillSymbolLayer(
        _colour(palette.SEARCH, fill_alpha),
        strokeColor=_colour(palette.SEARCH, 150),
        strokeStyle=style,
        strokeWidth=0.3,
    )
    _only_where(area, KEY_FRAME)
    return _filled(QgsFillSymbol.createSimple({}), area)


def _style_candidates(layer: QgsVectorLayer) -> None:
    """The best one strong, the others thin, all with their rank."""
    best, others = QgsRuleBasedRenderer.Rule(None), QgsRuleBasedRenderer.Rule(None)
    for rule, label, where, alpha, width_mm in (
        (best, tr("Best candidate"), '"rank" = 1', 45, 0.9),
        (others, tr("Other candidates"), '"rank" > 1', 10, 0.3),
    ):
        fill = QgsSimpleFillSymbolLayer(
            _colour(palette.ACCENT, alpha), strokeColor=_colour(palette.ACCENT), strokeWidth=width_mm
        )
        rule.setSymbol(_filled(QgsFillSymbol.createSimple({}), fill))
        rule.setLabel(label)
        rule.setFilterExpression(where)
    root = QgsRuleBasedRenderer.Rule(None)
    root.appendChild(others)
    root.appendChild(best)
    layer.setRenderer(QgsRuleBasedRenderer(root))
    _label(layer, '"rank"', min_scale=25000.0, size_pt=12.0)


_STYLES: dict[str, Callable[[QgsVectorLayer], None]] = {
    "frames": _style_frames,
    "footprints": _style_footprints,
    "trajectory": _style_trajectory,
    "tracks": _style_tracks,
    "detections": _style_detections,
    "search_area": _style_search_area,
    "segments": _style_segments,
    "candidates": _style_candidates,
    "groundings": _style_groundings,
    "looks": _style_looks,
    "answers": _style_answers,
    "spoken": _style_spoken,
}
