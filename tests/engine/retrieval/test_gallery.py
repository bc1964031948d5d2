"""Galleries keep what was put in, find it again, and refuse what does not belong together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.retrieval import nearest
from rs_copilot.retrieval import table as tile_tables
from rs_copilot.retrieval.embedder import Embedder, open_embedder
from rs_copilot.retrieval.gallery import GALLERY_VERSION, MANIFEST, RasterRef, open_gallery, require_model
from rs_copilot.retrieval.table import TileTable
from rs_copilot.retrieval.writer import GalleryWriter

from .standin import DIMENSIONS, write_standin

RASTER = RasterRef(
    path="map.tif",
    size_bytes=1,
    modified=2.0,
    crs="EPSG:32633",
    metric_crs="EPSG:32633",
    gsd_m=1.0,
    bounds_m=(500_000.0, 5_000_000.0, 510_000.0, 5_010_000.0),
)


def table(count: int, side_m: float) -> TileTable:
    centers = RASTER.bounds_m[0] + np.random.default_rng(3).uniform(0, 1000, (count, 2))
    centers[:, 1] += 4_500_000.0
    return TileTable(np.zeros(count, np.int32), centers, np.full(count, side_m), np.ones(count, np.float32))


def unit(count: int, seed: int) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def write(out: Path, embedder: Embedder, fine: int, coarse: int) -> np.ndarray:
    vectors = unit(fine + coarse, 4)
    with GalleryWriter(out, embedder, [RASTER]) as writer:
        writer.add(table(fine, 60.0), vectors[:fine], np.arange(fine))
        writer.add(table(coarse, 120.0), vectors[fine:], np.arange(coarse))
        writer.finish(0.5)
    return vectors


@pytest.mark.parametrize("most_flat", [10**9, 500, 0])
def test_every_kind_finds_what_is_most_similar(most_flat, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr(nearest, "FLAT_MAX", most_flat)
    vectors = write(tmp_path / "g", embedder, 900, 300)
    gallery = open_gallery(tmp_path / "g")
    kinds = [scale.kind for scale in gallery.manifest.scales]
    assert kinds == ["flat" if count <= most_flat else "ivfpq" for count in (900, 300)]
    assert gallery.manifest.kind == kinds[0]
    queries = vectors[::50] + 0.3 * unit(24, 9)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    scores, ids = gallery.search(queries, 5)
    exact = queries @ vectors.T
    assert (ids[:, 0] == exact.argmax(axis=1)).mean() >= (1.0 if most_flat > 900 else 0.9)
    np.testing.assert_allclose(scores[:, 0], np.take_along_axis(exact, ids[:, :1], 1)[:, 0], atol=2e-3)
    assert (np.diff(scores, axis=1) <= 1e-6).all()


def test_an_inverted_file_stays_on_disk_and_keeps_its_promise(embedder, tmp_path, monkeypatch):
    monkeypatch.setattr(nearest, "FLAT_MAX", 1000)
    write(tmp_path / "g", embedder, 3000, 5)
    gallery = open_gallery(tmp_path / "g")
    fine, coarse = gallery.manifest.scales
    assert (fine.kind, coarse.kind) == ("ivfpq", "flat")
    lists = nearest.load_faiss().downcast_InvertedLists(gallery.indexes[0].invlists)
    assert type(lists).__name__ == "OnDiskInvertedLists"
    own = gallery.vectors[gallery.manifest.rows(0)]
    queries = nearest.trial_queries(own, 100)
    assert (queries * queries).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    _, ids = gallery.search(queries, 10, (60.0,))
    reached = nearest.recall_of(ids, nearest.exact_ids(own, queries, 10))
    assert fine.recall >= nearest.WANTED_RECALL
    assert reached >= fine.recall - 0.05
    (tmp_path / "g" / "index-0.faiss").unlink()
    with pytest.raises(BadInputError, match="incomplete"):
        open_gallery(tmp_path / "g")


def test_exact_neighbours_do_not_depend_on_chunks(monkeypatch):
    vectors, queries = unit(500, 1).astype(np.float16), unit(7, 2)
    expected = np.argsort(-(queries @ vectors.astype(np.float32).T), axis=1)[:, :10]
    for chunk in (4, 99, 1000):
        monkeypatch.setattr(nearest, "CHUNK", chunk)
        np.testing.assert_array_equal(nearest.exact_ids(vectors, queries, 10), expected)
    assert nearest.recall_of(expected, expected[:, ::-1]) == 1.0
    assert nearest.recall_of(np.full_like(expected, -1), expected) == 0.0


def test_scales_can_be_asked_for_alone(embedder, tmp_path):
    vectors = write(tmp_path / "g", embedder, 40, 10)
    gallery = open_gallery(tmp_path / "g")
    _, ids = gallery.search(vectors[:3], 60, (120.0,))
    assert ids.shape == (3, 10)
    assert (ids >= 40).all()
    _, ids = gallery.search(vectors[:3], 60, (77.0,))
    assert (ids == -1).all()
    assert gallery.search(vectors[:0], 5)[1].size == 0


def test_the_table_is_geoparquet_with_footprints(embedder, tmp_path):
    write(tmp_path / "g", embedder, 5, 2)
    found = gpd.read_parquet(tmp_path / "g" / "tiles.parquet")
    assert found.crs.to_epsg() == 4326
    areas = found.to_crs(32633).area
    np.testing.assert_allclose(areas, found["side_m"] ** 2, rtol=1e-4)
    np.testing.assert_allclose(
        open_gallery(tmp_path / "g").lonlat[:, 0], found.to_crs(32633).centroid.to_crs(4326).x, atol=1e-6
    )
    bounds = pq.read_table(tmp_path / "g" / "tiles.parquet", columns=["bbox"]).flatten()
    np.testing.assert_array_equal(np.stack([*bounds.columns], axis=1), found.bounds.to_numpy())


def test_the_table_is_written_in_groups_that_bounds_can_skip(embedder, tmp_path, monkeypatch):
    monkeypatch.setattr(tile_tables, "ROWS_PER_GROUP", 40)
    count = 70
    with GalleryWriter(tmp_path / "g", embedder, [RASTER]) as writer:
        for _ in range(7):
            writer.add(table(10, 60.0), unit(10, 1), np.arange(10))
        writer.finish(0.5)
    path = tmp_path / "g" / "tiles.parquet"
    assert pq.ParquetFile(path).num_row_groups == 2
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    far = gpd.read_parquet(path, bbox=(0.0, 0.0, 1.0, 1.0))
    assert len(far) == 0
    assert gpd.read_parquet(path, columns=["tile", "geometry"])["tile"].tolist() == list(range(count))


def test_another_network_is_refused(index_path, tmp_path):
    other = open_embedder(write_standin(tmp_path, seed=1, name="other"), "cpu")
    with pytest.raises(BadInputError, match="was made by stand-in"):
        require_model(open_gallery(index_path), other)


def test_an_unfinished_gallery_leaves_nothing(embedder, tmp_path):
    with pytest.raises(KeyboardInterrupt), GalleryWriter(tmp_path / "g", embedder, [RASTER]) as writer:
        writer.add(table(3, 60.0), unit(3, 1), np.arange(3))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_writing_again_replaces_the_gallery(embedder, tmp_path):
    write(tmp_path / "g", embedder, 5, 2)
    write(tmp_path / "g", embedder, 3, 1)
    assert open_gallery(tmp_path / "g").manifest.tiles == 4
    assert [item.name for item in tmp_path.iterdir()] == ["g"]


def test_other_peoples_folders_are_left_alone(embedder, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match="other files"):
        GalleryWriter(tmp_path, embedder, [RASTER])
    with pytest.raises(UsageError, match="is a file"):
        GalleryWriter(tmp_path / "holiday.jpg", embedder, [RASTER])


def test_scales_out_of_order_are_a_bug(embedder, tmp_path):
    with GalleryWriter(tmp_path / "g", embedder, [RASTER]) as writer:
        writer.add(table(3, 120.0), unit(3, 1), np.arange(3))
        with pytest.raises(ValueError, match="finest"):
            writer.add(table(3, 60.0), unit(3, 1), np.arange(3))
        with pytest.raises(ValueError, match="expected 3 embeddings"):
            writer.add(table(3, 120.0), unit(2, 1), np.arange(3))
        with pytest.raises(ValueError, match="expected 3 fingerprints"):
            writer.add(table(3, 120.0), unit(3, 1), np.arange(2))


def test_no_gallery(tmp_path):
    with pytest.raises(BadInputError, match="is no index"):
        open_gallery(tmp_path)


@pytest.mark.parametrize(("version", "age"), [(1, "an earlier"), (99, "a later")])
def test_another_version_is_refused(version, age, embedder, tmp_path):
    write(tmp_path / "g", embedder, 3, 1)
    manifest = json.loads((tmp_path / "g" / MANIFEST).read_text())
    manifest["version"] = version
    # The first format had no scales.
    del manifest["scales"]
    (tmp_path / "g" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BadInputError, match=f"{age} version.*reads {GALLERY_VERSION}") as caught:
        open_gallery(tmp_path / "g")
    assert "rs-copilot index" in str(caught.value.hint)
    write(tmp_path / "g", embedder, 3, 1)
    assert len(open_gallery(tmp_path / "g").tiles) == 4


@pytest.mark.parametrize("name", ["embeddings.npy", "tiles.parquet"])
def test_missing_or_foreign_parts_are_noticed(name, embedder, tmp_path):
    write(tmp_path / "g", embedder, 3, 1)
    write(tmp_path / "h", embedder, 4, 1)
    shutil.copy(tmp_path / "h" / name, tmp_path / "g" / name)
    with pytest.raises(BadInputError, match="does not fit together"):
        open_gallery(tmp_path / "g")
    (tmp_path / "g" / name).unlink()
    with pytest.raises(BadInputError, match="incomplete"):
        open_gallery(tmp_path / "g")


def test_how_many_are_searched_how():
    assert [nearest.kind_for(n) for n in (1, nearest.FLAT_MAX, nearest.FLAT_MAX + 1)] == [
        "flat",
        "flat",
        "ivfpq",
    ]
