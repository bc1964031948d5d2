"""The job: networks over rasters to polygons of the scene, as the raster's pixels say."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pyproj
import pytest
import rasterio
import shapely

from rs_copilot.cli import run
from rs_copilot.errors import EXIT_USAGE, CancelledError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.segmentation.polygons import to_shapes
from rs_copilot.vector import postgis
from rs_copilot.vector.store import create_scene, read_layer, read_scene_info
from tests.engine.tiles.rasters import write_raster
from tests.engine.vector.conftest import SERVER, needs_server

from .networks import ZOO, save
from .test_polygons import outlines

pytest.importorskip("onnx", reason="networks of the tests are made with onnx")
SIDE = 200
GSD_M = 0.5
GREYS = np.array([40, 130, 230], dtype=np.uint8)
NAMES = ("_background", "grey", "bright")


@pytest.fixture(scope="module")
def classes() -> np.ndarray:
    rng = np.random.default_rng(5)
    fields = [cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), 7.0) for _ in range(3)]
    return np.argmax(fields, axis=0).astype(np.uint8)


@pytest.fixture(scope="module")
def raster(classes: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raster")
    return write_raster(folder / "ortho.tif", np.repeat(GREYS[classes][None], 3, axis=0), gsd=GSD_M)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    told = {key: value for key, value in ZOO.items() if key != "seg_small_segment"}
    return f"onnx:{save(tmp_path_factory.mktemp('network') / 'zoo.onnx', metadata=told)}"


@dataclass
class Run:
    raster: Path
    network: str
    out: Path
    context: JobContext = field(default_factory=lambda: JobContext(device="cpu"))

    def __call__(self, **options: object):
        params = {"source": str(self.raster), "model": self.network, "out": str(self.out), **options}
        return run_job("segment", params, self.context)

    def rows(self):
        return read_layer(self.out, "segments")


@pytest.fixture
def segment(raster: Path, network: str, tmp_path: Path) -> Run:
    return Run(raster, network, tmp_path / "scene.gpkg")


def on_the_ground(shapes: np.ndarray) -> np.ndarray:
    return shapely.transform(shapes, lambda xy: xy * [GSD_M, -GSD_M] + [500000.0, 5300000.0])


def test_polygons_are_those_of_the_pixels(segment: Run, classes: np.ndarray) -> None:
    result = segment(simplify_px=0)
    right = outlines(classes, SIDE, SIDE)
    rows = segment.rows()
    assert (result.segments, result.tiles, result.tiles_of_raster) == (len(right), 16, 16)
    found = sorted(zip(rows.label, shapely.to_wkt(shapely.normalize(rows.geometry)), strict=True))
    shapes = shapely.normalize(on_the_ground(to_shapes(right)))
    names = [NAMES[number] for number in right.classes]
    assert found == sorted(zip(names, shapely.to_wkt(shapes), strict=True))
    # On UTM's central meridian a metre of the map is 1/0.9996 m on the ellipsoid.
    np.testing.assert_allclose(rows.area_m2, shapely.area(rows.geometry) / 0.9996**2, rtol=1e-6)
    assert result.areas_m2["grey"] == pytest.approx(rows.area_m2[rows.label == "grey"].sum())
    assert rows.score.isna().all() and rows.frame.isna().all() and rows.time_s.isna().all()
    assert set(rows.source) == {segment.network}
    assert set(rows["clip"]) == {"ortho.tif"}
    assert (rows.model_hash.str.len() == 64).all()
    assert read_layer(segment.out, "runs").command.tolist() == ["segment"]
    assert not list(segment.out.parent.glob("*.journal*"))


def test_sheets_are_segmented_as_one_raster(segment: Run, raster: Path, tmp_path: Path) -> None:
    segment()
    whole = segment.rows()
    with rasterio.open(raster) as source:
        bands = source.read()
    for name, rows in (("n", slice(0, 77)), ("s", slice(77, SIDE))):
        origin = (500000.0, 5300000.0 - rows.start * GSD_M)
        write_raster(tmp_path / f"sheet-{name}.tif", bands[:, rows], gsd=GSD_M, origin=origin)
    segment(source=str(tmp_path / "sheet-?.tif"))
    both = segment.rows()
    parts = both[both["clip"] == "sheet-?.tif"]
    assert parts.label.tolist() == whole.label.tolist()
    assert shapely.equals(parts.geometry.to_numpy(), whole.geometry.to_numpy()).all()


def test_a_job_whose_pictures_need_no_opencv_does_not_load_it(
    raster: Path, network: str, tmp_path: Path
) -> None:
    """It takes 25 MB, and memory is bounded."""
    words = ["segment", str(raster), "--model", network, "--out", str(tmp_path / "scene.gpkg")]
    code = (
        f"import sys; from rs_copilot.cli import run; assert not run({words!r}); "
        "sys.exit('cv2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_server
def test_a_database_gets_what_a_file_gets(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{SERVER}?schema=rs_copilot_segments"
    with postgis.connection_to(postgis.parse_url(url)) as connection:
        connection.execute("DROP SCHEMA IF EXISTS rs_copilot_segments CASCADE")
    # The journal of a scene in a database lies in the working folder.
    monkeypatch.chdir(tmp_path)
    segment()
    for _ in range(2):
        result = segment(out=url)
    here, there = segment.rows(), read_layer(url, "segments")
    assert result.segments == len(there) == len(here)
    key = ["label", "area_m2", "lon", "lat", "clip", "method", "model", "model_hash", "source"]
    assert there[key].reset_index(drop=True).equals(here[key].reset_index(drop=True))
    assert shapely.equals_exact(there.geometry.to_numpy(), here.geometry.to_numpy()).all()
    assert read_layer(url, "runs").command.tolist() == ["segment", "segment"]
    assert not list(tmp_path.glob(".rs-copilot-*"))


def test_simplified_polygons_leave_no_gaps(segment: Run) -> None:
    segment(simplify_px=0)
    exact = segment.rows().geometry.to_numpy()
    segment(simplify_px=1.0)
    rows = segment.rows()
    assert len(rows) == len(exact)
    simple = rows.geometry.to_numpy()
    assert shapely.get_num_coordinates(simple).sum() < 0.5 * shapely.get_num_coordinates(exact).sum()
    assert shapely.coverage_is_valid(simple)


def test_area_is_that_of_the_ellipsoid(segment: Run) -> None:
    segment()
    rows = segment.rows()
    geod = pyproj.Geod(ellps="WGS84")
    for row in rows.to_crs(4326).itertuples():
        assert abs(geod.geometry_area_perimeter(row.geometry)[0]) == pytest.approx(row.area_m2, rel=1e-4)
        assert row.geometry.envelope.buffer(1e-9).contains(shapely.Point(row.lon, row.lat))


def test_small_areas_are_left_out(segment: Run) -> None:
    whole = segment().segments
    result = segment(min_area_m2=100.0, simplify_px=0)
    rows = segment.rows()
    assert 0 < result.segments < whole
    assert rows.area_m2.min() >= 100.0


def test_classes_and_region_limit_the_work(segment: Run) -> None:
    whole = segment(simplify_px=0)
    box = shapely.box(500010.0, 5299950.0, 500040.0, 5299980.0)
    exact = shapely.union_all(segment.rows().query("label == 'bright'").geometry.to_numpy())
    lonlat = pyproj.Transformer.from_crs(32633, 4326, always_xy=True)
    bounds = lonlat.transform_bounds(*box.bounds)
    result = segment(simplify_px=0, classes=["bright"], region=",".join(f"{value:.9f}" for value in bounds))
    rows = segment.rows()
    assert set(rows.label) == {"bright"}
    assert result.tiles < whole.tiles
    # A rectangle of longitudes and latitudes is turned a little against the map.
    assert shapely.area(rows.geometry).sum() == pytest.approx(exact.intersection(box).area, rel=0.01)
    with pytest.raises(UsageError, match="knows no class road"):
        segment(classes=["road"])


def test_a_run_that_was_stopped_goes_on(segment: Run) -> None:
    segment()
    whole = segment.rows()

    def stop(progress: object) -> None:
        if progress.done == 9:
            segment.context.cancelled.set()

    segment.out = segment.out.with_name("stopped.gpkg")
    segment.context = JobContext(device="cpu", on_progress=stop)
    with pytest.raises(CancelledError):
        segment()
    assert len(segment.rows()) < len(whole)
    segment.context = JobContext(device="cpu")
    result = segment()
    assert result.resumed >= 8
    key = ["label", "area_m2", "lon", "lat"]
    rows = segment.rows().reset_index()
    assert rows[key].equals(whole.reset_index()[key])
    assert shapely.equals(rows.geometry.to_numpy(), whole.geometry.to_numpy()).all()


def test_where_there_is_no_data_there_is_nothing(classes: np.ndarray, network: str, tmp_path: Path) -> None:
    bands = np.repeat(GREYS[np.maximum(classes, 1)][None], 3, axis=0)
    bands[:, 40:90, 30:120] = 0
    work = Run(write_raster(tmp_path / "hole.tif", bands, gsd=GSD_M, nodata=0), network, tmp_path / "s.gpkg")
    work(simplify_px=0)
    found = shapely.union_all(work.rows().geometry.to_numpy())
    right = shapely.box(0, 0, SIDE, SIDE) - shapely.box(30, 40, 120, 90)
    assert found.equals(on_the_ground(np.array([right]))[0])


def test_another_resolution_is_read_at_the_networks(segment: Run) -> None:
    result = segment(gsd_m=1.0)
    assert result.tiles == 4
    rows = segment.rows()
    assert shapely.coverage_is_valid(rows.geometry.to_numpy())
    assert rows.total_bounds.tolist() == [500000.0, 5299900.0, 500100.0, 5300000.0]


def test_a_scene_of_an_earlier_release_gets_the_layer(segment: Run) -> None:
    create_scene(segment.out, pyproj.CRS.from_epsg(32633))
    with sqlite3.connect(segment.out) as connection:
        connection.create_function("ST_IsEmpty", 1, lambda _: 1)
        for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_extensions", "gpkg_ogr_contents"):
            connection.execute(f"DELETE FROM {table} WHERE table_name = 'segments'")  # noqa: S608
        connection.execute("DROP TABLE segments")
        connection.execute("DROP TABLE rtree_segments_geom")
    connection.close()
    assert read_scene_info(segment.out).version == 1
    assert len(segment.rows()) == 0
    segment()
    assert len(segment.rows()) > 0


def test_the_command(segment: Run) -> None:
    arguments = ["segment", str(segment.raster), "--model", segment.network, "--out", str(segment.out)]
    assert run([*arguments, "--min-area", "20", "--simplify", "0.5", "--classes", "grey"]) == 0
    assert set(segment.rows().label) == {"grey"}
    assert run([*arguments[:3], "bert:x", *arguments[4:]]) == EXIT_USAGE
