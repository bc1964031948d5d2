"""Indexing again embeds only what is new, and ends where a fresh index would."""

from __future__ import annotations

import pickle
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

from rs_copilot.jobs import index
from rs_copilot.jobs.context import JobContext
from rs_copilot.raster.source import open_raster
from rs_copilot.retrieval.gallery import MANIFEST, open_gallery
from rs_copilot.retrieval.parts import PartRequest, embed_part, open_known, scatter
from rs_copilot.retrieval.table import read_fingerprints
from rs_copilot.retrieval.tiles import tile_grid

from .conftest import GSD_M, WEST_M, texture, write_map
from .standin import write_standin


@pytest.fixture(scope="module")
def wide() -> np.ndarray:
    return texture(300, 900, seed=6)


def build(out: Path, weights: Path, *rasters: Path) -> index.IndexResult:
    params = index.IndexParams(
        rasters=[str(path) for path in rasters], out=out, weights=weights, scales_m=[60, 120]
    )
    return index.run(params, JobContext())


def same_as_fresh(out: Path, weights: Path, *rasters: Path) -> bool:
    """Whether an updated index has the tiles and embeddings of one that was made from nothing."""
    fresh_path = Path(mkdtemp(dir=out.parent)) / "fresh.index"
    assert build(fresh_path, weights, *rasters).kept == 0
    made, fresh = open_gallery(out), open_gallery(fresh_path)
    assert made.manifest.scales == fresh.manifest.scales
    np.testing.assert_array_equal(made.tiles.raster, fresh.tiles.raster)
    np.testing.assert_array_equal(made.tiles.center_xy_m, fresh.tiles.center_xy_m)
    np.testing.assert_array_equal(made.tiles.valid_share, fresh.tiles.valid_share)
    np.testing.assert_allclose(made.vectors, fresh.vectors, atol=1e-3)
    tables = (path / "tiles.parquet" for path in (out, fresh_path))
    return bool(np.array_equal(*(read_fingerprints(path) for path in tables)))


def test_a_raster_that_grew(wide, weights, tmp_path):
    raster, out = write_map(tmp_path / "map.tif", wide[:, :500]), tmp_path / "map.index"
    first = build(out, weights, raster)
    assert (first.kept, first.embedded) == (0, first.tiles)
    assert build(out, weights, raster).embedded == 0
    write_map(raster, wide)
    grown = build(out, weights, raster)
    assert grown.kept + grown.embedded == grown.tiles
    # All but the columns at the former edge.
    assert grown.kept >= 0.9 * first.tiles
    assert f"{grown.kept} of them kept" in grown.summary()
    assert same_as_fresh(out, weights, raster)
    # Back again, and from the west as well.
    write_map(raster, wide[:, 300:], east_m=300 * GSD_M)
    assert build(out, weights, raster).kept > 0.8 * 600 / 900 * grown.tiles
    assert same_as_fresh(out, weights, raster)


def test_a_part_that_was_replaced(wide, weights, tmp_path):
    raster, out = write_map(tmp_path / "map.tif", wide), tmp_path / "map.index"
    build(out, weights, raster)
    changed = wide.copy()
    changed[:, 400:450] = 255 - changed[:, 400:450]
    write_map(raster, changed)
    result = build(out, weights, raster)
    tiles = open_gallery(out).tiles
    from_west = tiles.center_xy_m[:, 0] - WEST_M
    touched = (from_west + tiles.side_m / 2 > 399.0) & (from_west - tiles.side_m / 2 < 451.0)
    assert result.embedded == touched.sum()
    assert same_as_fresh(out, weights, raster)


def test_rasters_that_come_and_go(wide, weights, tmp_path):
    first = write_map(tmp_path / "a.tif", wide[:, :300])
    second = write_map(tmp_path / "b.tif", wide[:, 300:600], east_m=5000.0)
    out = tmp_path / "map.index"
    alone = build(out, weights, first)
    both = build(out, weights, second, first)
    assert both.kept == alone.tiles
    assert same_as_fresh(out, weights, second, first)
    assert build(out, weights, first.rename(tmp_path / "c.tif")).embedded == 0
    assert [Path(raster.path).name for raster in open_gallery(out).manifest.rasters] == ["c.tif"]


@pytest.mark.parametrize("spoil", ["network", "version", "table"])
def test_what_cannot_serve_is_not_used(spoil, wide, weights, tmp_path):
    raster, out = write_map(tmp_path / "map.tif", wide[:, :200]), tmp_path / "map.index"
    build(out, weights, raster)
    if spoil == "network":
        weights = write_standin(tmp_path, seed=1, name="other")
    elif spoil == "version":
        text = (out / MANIFEST).read_text()
        (out / MANIFEST).write_text(text.replace('"version": 2', '"version": 1'))
    else:
        (out / "tiles.parquet").write_bytes(b"PAR1")
    result = build(out, weights, raster)
    assert (result.kept, result.embedded) == (0, result.tiles)
    assert len(open_gallery(out).tiles) == result.tiles


def test_another_process_embeds_the_same(wide, weights, embedder, tmp_path):
    """What a worker gets and gives is plain, and its blocks together are the index."""
    raster, out = write_map(tmp_path / "map.tif", wide), tmp_path / "map.index"
    build(out, weights, raster)
    with open_raster(raster) as source:
        bounds_m = tuple(source.info.bounds_m)
    count = len(tile_grid(bounds_m, 60.0, embedder.input_px).blocks())
    assert count > 1
    request = PartRequest(str(raster), 0, bounds_m, 60.0, 0.5, tuple(range(count)), weights)
    parts = embed_part(request)
    assert pickle.dumps(request)
    assert pickle.dumps(parts)
    gallery = open_gallery(out)
    rows = gallery.manifest.rows(0)
    np.testing.assert_array_equal(np.concatenate([part.embeddings for part in parts]), gallery.vectors[rows])
    centers = np.concatenate([part.tiles.center_xy_m for part in parts])
    np.testing.assert_array_equal(centers, gallery.tiles.center_xy_m[rows])
    with_known = embed_part(PartRequest(str(raster), 0, bounds_m, 60.0, 0.5, (0,), weights, known=out))
    assert with_known[0].embedded == 0
    np.testing.assert_array_equal(with_known[0].embeddings, parts[0].embeddings)


def test_a_closed_gallery_gives_nothing(index_path, embedder):
    with open_known(index_path, embedder) as known:
        found = read_fingerprints(index_path / "tiles.parquet")[[3, 1]]
        assert known.find(np.array([*found, 12345])).tolist() == [3, 1, -1]
    with pytest.raises(ValueError, match="open gallery"):
        known.embeddings(np.array([1]))
    assert open_known(index_path / "nowhere", embedder).find(np.array([1])).tolist() == [-1]


def test_a_cluster_gives_parts_in_order(wide, weights, embedder, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    raster = write_map(tmp_path / "map.tif", wide)
    with open_raster(raster) as source:
        bounds_m = tuple(source.info.bounds_m)
    count = len(tile_grid(bounds_m, 60.0, embedder.input_px).blocks())
    requests = [PartRequest(str(raster), 0, bounds_m, 60.0, 0.5, (n,), weights) for n in range(count)]
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = [part for parts in scatter(client, requests) for part in parts]
        with pytest.raises(KeyboardInterrupt):
            list(scatter(client, requests, stop))
    expected = embed_part(PartRequest(str(raster), 0, bounds_m, 60.0, 0.5, tuple(range(count)), weights))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.tiles.center_xy_m, other.tiles.center_xy_m)
        np.testing.assert_array_equal(one.embeddings, other.embeddings)


def stop() -> None:
    raise KeyboardInterrupt
