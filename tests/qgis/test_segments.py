"""The layer of segments has a colour for each class."""

from __future__ import annotations

from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsRenderContext,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)

from rs_copilot_plugin.layers import palette, styles


def segments(*labels):
    layer = QgsVectorLayer(
        "Polygon?crs=EPSG:32633&field=label:string&field=area_m2:double", "segments", "memory"
    )
    features = []
    for number, label in enumerate(labels):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([label, 12345.0])
        feature.setGeometry(
            QgsGeometry.fromWkt(f"POLYGON(({number} 0, {number} 1, {number + 1} 1, {number} 0))")
        )
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def colours_of(layer):
    """The colour that each feature is drawn in."""
    renderer = layer.renderer().clone()
    context = QgsRenderContext()
    context.expressionContext().appendScope(QgsExpressionContextUtils.layerScope(layer))
    renderer.startRender(context, layer.fields())
    found = []
    for feature in layer.getFeatures():
        context.expressionContext().setFeature(feature)
        symbol = renderer.symbolForFeature(feature, context)
        found.append(symbol.color().name() if symbol is not None else None)
    renderer.stopRender(context)
    return found


def test_each_class_has_a_colour_of_its_own(qgis_app):
    layer = segments("water", "road", "water")
    styles.apply_style(layer, "segments")
    styles.add_classes(layer, "segments", ["road"])
    road = colours_of(layer)[1]
    styles.add_classes(layer, "segments", ["road", "water"])
    found = colours_of(layer)
    assert found[0] == found[2] != found[1] == road, "a class that turns up later changes no other"
    context = QgsExpressionContext()
    context.setFeature(next(layer.getFeatures()))
    assert QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context).endswith("1.23 ha")


def test_a_look_that_the_user_has_chosen_stays(qgis_app):
    layer = segments("water")
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple({"color": "#123456"})))
    styles.add_classes(layer, "segments", ["water"])
    assert isinstance(layer.renderer(), QgsSingleSymbolRenderer)


def test_more_classes_than_colours_are_drawn_all_the_same(qgis_app):
    names = [f"class {number}" for number in range(len(palette.CLASSES) + 3)]
    layer = segments(*names)
    styles.apply_style(layer, "segments")
    styles.add_classes(layer, "segments", names)
    assert None not in colours_of(layer) and len(set(colours_of(layer))) == len(palette.CLASSES)
