"""The layer of segments has a colour for each class."""

from __future__ import annotations

from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsFeature,
    QgsGeometry,
    QgsProperty,
    QgsSymbolLayer,
    QgsVectorLayer,
)

from rs_copilot_plugin.layers import styles


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


def test_each_class_has_a_colour_of_its_own(qgis_app):
    layer = segments("water", "road", "water", None)
    styles.apply_style(layer, "segments")
    fill = layer.renderer().symbol().symbolLayer(0)
    colour = QgsProperty(fill.dataDefinedProperties().property(QgsSymbolLayer.Property.PropertyFillColor))
    context, found = QgsExpressionContext(), []
    for feature in layer.getFeatures():
        context.setFeature(feature)
        found.append(QgsExpression(colour.expressionString()).evaluate(context))
    assert found[0] == found[2]
    assert len(set(found)) == 3
    assert QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context).endswith("1.23 ha")
