from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from rs_copilot.errors import StorageError
from rs_copilot.vector import gpkg_rows, schema, store
from tests.engine.vector.conftest import EAST_M, NORTH_M, UTM

# What is compared: rows, the spatial index, GDAL's count and the triggers that keep them for others.
QUERIES = (
    "SELECT * FROM segments ORDER BY fid",
    "SELECT * FROM rtree_segments_geom ORDER BY id",
    "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'segments'",
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
)


def segments(count: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(count)
    x, y = EAST_M + rng.uniform(0, 900, count), NORTH_M + rng.uniform(0, 900, count)
    shapes = shapely.box(x, y, x + 7.3, y + 5.1)
    shapes[1], shapes[2] = None, shapely.Polygon()
    made = datetime(2026, 5, 4, 3, 2, 1, 234_000, tzinfo=timezone.utc)
    values: Mapping[str, object] = {
        "label": np.array(["field", "hedge", None], dtype=object)[rng.integers(0, 3, count)],
        "score": np.where(rng.random(count) < 0.2, np.nan, rng.random(count)),
        "frame": rng.integers(0, 9, count),
        "clip": ["map.tif"] * count,
        "method": ["segmentation"] * count,
        "created_at": [made] * count,
    }
    columns = {name: values.get(name, [None] * count) for name in schema.SEGMENTS.field_names}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=UTM), crs=UTM)


def written(path: Path, tables: list[gpd.GeoDataFrame]) -> list[object]:
    store.create_scene(path, UTM)
    for table in tables:
        store.append_layer(path, "segments", table)
    with sqlite3.connect(path) as connection:
        return [connection.execute(query).fetchall() for query in QUERIES]


def test_many_rows_at_once_leave_what_triggers_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [segments(5), segments(gpkg_rows.MANY_ROWS + 7), segments(4)]
    bulk = written(tmp_path / "bulk.gpkg", tables)
    monkeypatch.setattr(gpkg_rows, "MANY_ROWS", 10_000)
    assert bulk == written(tmp_path / "triggers.gpkg", tables)
    assert len(bulk[1]) == sum(map(len, tables)) - 2 * len(tables)


def test_numbers_of_deleted_rows_are_not_given_again(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    first = written(path, [segments(150)])[0]
    store.replace_clip(path, "segments", "map.tif", segments(120))
    assert store.read_layer(path, "segments").index.min() == len(first) + 1


def test_the_noted_extent_grows_with_rows_and_shrinks_with_their_removal(tmp_path: Path) -> None:
    path, near = tmp_path / "a.gpkg", segments(120)
    far = segments(130).set_geometry(segments(130).translate(5_000.0, 0.0))
    written(path, [near, far])
    query = "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = 'segments'"
    both = np.concatenate([near.total_bounds[:2], far.total_bounds[2:]])
    both[1], both[3] = min(both[1], far.total_bounds[1]), max(both[3], near.total_bounds[3])
    with sqlite3.connect(path) as connection:
        np.testing.assert_allclose(connection.execute(query).fetchone(), both, atol=1.5)
    store.replace_clip(path, "segments", "map.tif", near)
    with sqlite3.connect(path) as connection:
        np.testing.assert_allclose(connection.execute(query).fetchone(), near.total_bounds, atol=1.5)


def test_a_failure_on_the_way_leaves_triggers_and_rows_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.gpkg"
    before = written(path, [segments(5)])

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(gpkg_rows, "_index", fail)
    with pytest.raises(StorageError):
        store.append_layer(path, "segments", segments(150))
    with sqlite3.connect(path) as connection:
        assert [connection.execute(query).fetchall() for query in QUERIES] == before
