"""Galleries keep what was put in, find it again, and refuse what does not belong together."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.retrieval import nearest
from rs_copilot.retrieval.embedder import Embedder, open_embedder
from rs_copilot.retrieval.gallery import MANIFEST, RasterRef, TileTable, open_gallery, require_model
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
    with GalleryWriter(out, embedder) as writer:
        writer.add(table(fine, 60.0), vectors[:fine])
        writer.add(table(coarse, 120.0), vectors[fine:])
        writer.finish([RASTER], 0.5)
    return vectors


@pytest.mark.parametrize("kind", ["flat", "sq8", "ivf"])
def test_every_kind_finds_what_is_most_similar(kind, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr(nearest, "FLAT_MAX", 10**9 if kind == "flat" else 0)
    monkeypatch.setattr(nearest, "SQ8_MAX", 0 if kind == "ivf" else 10**9)
    vectors = write(tmp_path / "g", embedder, 900, 300)
    gallery = open_gallery(tmp_path / "g")
    assert gallery.manifest.kind == kind
    queries = vectors[::50] + 0.3 * unit(24, 9)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    scores, ids = gallery.search(queries, 5)
    exact = queries @ vectors.T
    assert (ids[:, 0] == exact.argmax(axis=1)).mean() >= (0.9 if kind == "ivf" else 1.0)
    np.testing.assert_allclose(scores[:, 0], np.take_along_axis(exact, ids[:, :1], 1)[:, 0], atol=2e-3)
    assert (np.diff(scores, axis=1) <= 1e-6).all()


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


def test_another_network_is_refused(index_path, tmp_path):
    other = open_embedder(write_standin(tmp_path, seed=1, name="other"), "cpu")
    with pytest.raises(BadInputError, match="was made by stand-in"):
        require_model(open_gallery(index_path), other)


def test_an_unfinished_gallery_leaves_nothing(embedder, tmp_path):
    with pytest.raises(KeyboardInterrupt), GalleryWriter(tmp_path / "g", embedder) as writer:
        writer.add(table(3, 60.0), unit(3, 1))
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
        GalleryWriter(tmp_path, embedder)
    with pytest.raises(UsageError, match="is a file"):
        GalleryWriter(tmp_path / "holiday.jpg", embedder)


def test_scales_out_of_order_are_a_bug(embedder, tmp_path):
    with GalleryWriter(tmp_path / "g", embedder) as writer:
        writer.add(table(3, 120.0), unit(3, 1))
        with pytest.raises(ValueError, match="finest"):
            writer.add(table(3, 60.0), unit(3, 1))
        with pytest.raises(ValueError, match="expected 3 embeddings"):
            writer.add(table(3, 120.0), unit(2, 1))


def test_no_gallery(tmp_path):
    with pytest.raises(BadInputError, match="is no index"):
        open_gallery(tmp_path)


def test_a_later_version_is_refused(embedder, tmp_path):
    write(tmp_path / "g", embedder, 3, 1)
    manifest = tmp_path / "g" / MANIFEST
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 99'))
    with pytest.raises(BadInputError, match="this version"):
        open_gallery(tmp_path / "g")


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
    assert [nearest.kind_for(n) for n in (1, 10_000, 10_001, 100_000, 100_001)] == [
        "flat",
        "flat",
        "sq8",
        "sq8",
        "ivf",
    ]
