"""The layer of looks shows where a model looked, and what it says there is text and no markup."""

from qgis.core import QgsExpression, QgsExpressionContext, QgsFeature, QgsGeometry, QgsVectorLayer

from rs_copilot_plugin.layers import styles


def test_what_a_model_says_is_text(qgis_app):
    uri = "Polygon?crs=EPSG:32633&field=step:integer&field=reason:string&field=phrase:string"
    layer = QgsVectorLayer(uri, "looks", "memory")
    feature = QgsFeature(layer.fields())
    feature.setAttributes([1, "<img src=x> & more", "a ship"])
    feature.setGeometry(QgsGeometry.fromWkt("POLYGON((0 0, 1 0, 1 1, 0 0))"))
    layer.dataProvider().addFeatures([feature])
    styles.apply_style(layer, "looks")
    context = QgsExpressionContext()
    context.setFeature(next(layer.getFeatures()))
    tip = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    assert tip == "<b>#1</b><br>&lt;img src=x&gt; &amp; more"
    assert layer.labelsEnabled()
