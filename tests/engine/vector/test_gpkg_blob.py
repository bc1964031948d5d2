"""Geometry as GeoPackage stores it: one by one and many at once."""

from __future__ import annotations

import numpy as np
import shapely

from rs_copilot.vector import gpkg_blob


def test_many_geometries_are_encoded_like_each_one() -> None:
    line = gpkg_blob.line_m(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([5.0, 6.0]))
    some = [shapely.box(0, 1, 2, 4), None, shapely.Point(3, 4), shapely.Polygon(), line]
    found = gpkg_blob.encode_all(some, 32633)
    assert found == [gpkg_blob.encode(item, 32633) for item in some]
    assert gpkg_blob.encode_all([], 32633) == []
    assert [gpkg_blob.bound(found[0], which) for which in range(4)] == [0.0, 2.0, 1.0, 4.0]
