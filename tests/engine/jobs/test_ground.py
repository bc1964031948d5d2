"""Grounding as a job: what a phrase describes lies on the map, and so does where the model looked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from PIL import Image

from rs_copilot.errors import CancelledError, MissingDependencyError, SceneError, UsageError
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.jobs import shelf
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.registry import run_job
from rs_copilot.types import FrameStatus, Placement, SizeWH
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vector.store import create_scene, read_layer, write_layers
from rs_copilot.vlm.backend import Backend
from rs_copilot.vlm.scripted import ScriptedBackend
from tests.engine.vlm.eyes import BLUE, GREEN, MAGENTA, call, painted, save_raster, seeker

UTM = pyproj.CRS.from_epsg(32633)
SIZE = SizeWH(1600, 1200)
MARK, YARD = (1013, 607, 1016, 610), (960, 560, 1080, 680)
PLACE = Affine.translation(500000, 5300000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)
SEEN_PX = 224 * 224


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = painted(SIZE, (YARD, GREEN), (MARK, MAGENTA))
    return save_raster(tmp_path_factory.mktemp("ground") / "town.tif", image, PLACE)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every model is the given one."""

    def given(backend: Backend) -> Backend:
        monkeypatch.setattr(shelf, "open_backend", lambda *_: backend)
        return backend

    return given


def ground(source: Path, out: Path, context: JobContext | None = None, **more: Any) -> Any:
    asked = {
        "source": str(source), "out": str(out), "phrase": "the magenta square", "model": "eyes",
        "max_px": SEEN_PX, **more,
    }  # fmt: skip
    return run_job("ground", asked, context or JobContext(device="cpu"))


def on_map(x: float, y: float) -> np.ndarray:
    return np.array(PLACE @ (x, y))


def test_a_tiny_thing_in_a_large_raster_is_found_on_the_map(tmp_path: Path, raster: Path, use: Any) -> None:
    use(seeker())
    seen: list[Progress] = []
    result = ground(raster, tmp_path / "s.gpkg", JobContext(seen.append, device="cpu"))
    (found,) = result.objects
    middle = on_map(1014.5, 608.5)
    assert np.abs(np.array(found.box_px) - MARK).max() <= 1.5
    lonlat = np.mean(found.polygon, axis=0)
    assert np.hypot(*(lonlat - to_lonlat(middle[None], UTM)[0]) * 100_000) < 1.0
    (row,) = read_layer(tmp_path / "s.gpkg", "groundings").itertuples()
    assert (row.phrase, row.label, row.clip) == ("the magenta square", "square", "town.tif")
    assert np.isnan(row.score) and np.isnan(row.time_s)
    assert row.geometry.distance(shapely.Point(middle)) == 0 and row.geometry.area < 16 * 0.25
    assert (result.looks, result.placed, result.pictures) == (2, 1, 1)
    assert {layer for item in seen if item.partial for layer in item.partial["layers"]} == {
        "looks",
        "groundings",
    }


def test_where_the_model_looked_is_on_the_map(tmp_path: Path, raster: Path, use: Any) -> None:
    use(seeker())
    ground(raster, tmp_path / "s.gpkg")
    table = read_layer(tmp_path / "s.gpkg", "looks").sort_values("step")
    assert list(table["step"]) == [0, 1]
    assert list(table["reason"]) == ["What was asked about, as a whole.", "I look closer."]
    whole, crop = table.geometry
    assert whole.area == pytest.approx(1600 * 1200 / 4, rel=1e-6)
    assert crop.contains(shapely.Point(on_map(1014.5, 608.5))) and crop.area == pytest.approx(
        112**2, rel=0.05
    )
    assert table["gsd_m"].iloc[1] == pytest.approx(0.5, rel=0.01)
    assert list(read_layer(tmp_path / "s.gpkg", "runs")["command"]) == ["ground"]


def test_asking_again_replaces_only_the_same_question(tmp_path: Path, raster: Path, use: Any) -> None:
    use(seeker())
    for phrase in ("a", "b", "a"):
        ground(raster, tmp_path / "s.gpkg", phrase=phrase)
    assert sorted(read_layer(tmp_path / "s.gpkg", "groundings")["phrase"]) == ["a", "b"]
    assert sorted(read_layer(tmp_path / "s.gpkg", "looks")["phrase"]) == ["a", "a", "b", "b"]


def test_a_region_is_looked_at_alone(tmp_path: Path, raster: Path, use: Any) -> None:
    backend = use(seeker())
    low, high = (to_lonlat(on_map(*corner)[None], UTM)[0] for corner in ((900, 700), (1200, 500)))
    region = ",".join(f"{value:.7f}" for value in (*low, *high))
    result = ground(raster, tmp_path / "s.gpkg", region=region, max_px=1008 * 1008)
    assert len(result.objects) == 1 and len(backend.heard) == 1
    window = read_layer(tmp_path / "s.gpkg", "looks").geometry.iloc[0]
    assert window.area < 700 * 700 / 4


def test_what_lies_beside_the_region_is_left_out(tmp_path: Path, raster: Path, use: Any) -> None:
    use(ScriptedBackend(["280,2,290,8 square"]))
    corners = [on_map(*corner) for corner in ((900, 400), (1200, 600), (900, 800))]
    path = tmp_path / "region.geojson"
    lonlat = to_lonlat(np.array(corners), UTM)
    path.write_text(shapely.to_geojson(shapely.Polygon(lonlat)))
    assert not ground(raster, tmp_path / "s.gpkg", region=str(path), max_px=1008 * 1008).objects


def test_rasters_may_be_in_degrees(tmp_path: Path, use: Any) -> None:
    use(seeker())
    place = Affine.translation(12.0, 48.0) @ Affine.scale(1e-5, -1e-5)
    path = save_raster(
        tmp_path / "deg.tif", painted(SIZE, (YARD, GREEN), (MARK, MAGENTA)), place, "EPSG:4326"
    )
    (found,) = ground(path, tmp_path / "s.gpkg").objects
    assert np.abs(np.mean(found.polygon, axis=0) - [12 + 1014.5e-5, 48 - 608.5e-5]).max() < 1e-5


def placed_photos(folder: Path, count: int = 4) -> Path:
    """Stills a second apart, each with a magenta square 20 pixels further right; the last has no place."""
    clip = folder / "photos"
    clip.mkdir()
    matrix = np.array([[0.5, 0, 500000.0], [0, -0.5, 5300000.0], [0, 0, 1.0]])
    placements = []
    for index in range(count):
        x = 100 + 20 * index
        Image.fromarray(painted(SizeWH(448, 336), ((x, 50, x + 30, 80), MAGENTA))).save(clip / f"{index}.png")
        located = index < count - 1
        placements.append(
            Placement(
                index, float(index), FrameStatus.LOCATED if located else FrameStatus.UNLOCATED, 0.9, 1.0,
                matrix if located else None, SizeWH(448, 336) if located else None, f"{index}.png",
                reason=None if located else "dark",
            )
        )  # fmt: skip
    create_scene(folder / "s.gpkg", UTM)
    table = frames_table(placements, Grid(UTM, UTM), Provenance("photos", "test"), clip_path=str(clip))
    write_layers(folder / "s.gpkg", {"frames": table})
    return clip


def test_frames_of_a_clip_are_laid_on_the_ground(tmp_path: Path, use: Any) -> None:
    use(seeker())
    clip = placed_photos(tmp_path)
    result = ground(clip, tmp_path / "s.gpkg")
    assert (result.kind, result.pictures, len(result.objects)) == ("clip", 3, 3)
    table = read_layer(tmp_path / "s.gpkg", "groundings").sort_values("frame")
    assert list(table["time_s"]) == [0.0, 1.0, 2.0]
    for index, shape in enumerate(table.geometry):
        at = (500000 + (115 + 20 * index) * 0.5, 5300000 - 65 * 0.5)
        assert shape.centroid.distance(shapely.Point(at)) < 1.1
    one = ground(clip, tmp_path / "s.gpkg", time_s=1.2)
    assert [item.frame for item in one.objects] == [1]
    assert len(read_layer(tmp_path / "s.gpkg", "groundings")) == 1


def test_a_stopped_run_keeps_what_it_found(tmp_path: Path, use: Any) -> None:
    stop = threading.Event()
    eyes = seeker()
    plain = eyes.script

    def answer(conversation: Any) -> str:
        if len(eyes.heard) == 2:
            stop.set()
        assert callable(plain)
        return plain(conversation)

    eyes.script = answer
    use(eyes)
    with pytest.raises(CancelledError):
        ground(placed_photos(tmp_path), tmp_path / "s.gpkg", JobContext(device="cpu", cancelled=stop))
    assert list(read_layer(tmp_path / "s.gpkg", "groundings")["frame"]) == [0]


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, raster: Path, use: Any) -> None:
    use(seeker())
    with pytest.raises(UsageError, match="--time"):
        ground(raster, tmp_path / "a.gpkg", time_s=1.0)
    with pytest.raises(MissingDependencyError, match="No vision-language model"):
        ground(raster, tmp_path / "a.gpkg", model=None)
    with pytest.raises(UsageError, match="beside the raster"):
        ground(raster, tmp_path / "a.gpkg", region="1,1,1.1,1.1")
    with pytest.raises(UsageError, match="--region"):
        ground(placed_photos(tmp_path), tmp_path / "s.gpkg", region="1,1,2,2")
    with pytest.raises(SceneError, match="laid on the ground"):
        ground(tmp_path / "photos" / "0.png", tmp_path / "b.gpkg")


def test_refused_calls_and_unread_lines_are_told(tmp_path: Path, raster: Path, use: Any) -> None:
    use(ScriptedBackend([call((9, 9, 1, 1)), "1,2,3,4,5 square\n10,20,30,40 square"]))
    result = ground(raster, tmp_path / "s.gpkg")
    assert len(result.objects) == 1 and result.skipped == 1
    assert any("refused" in note for note in result.notes)
    assert any("could not be read" in text for text in result.warnings)


def test_blue_is_only_a_hint(tmp_path: Path, use: Any) -> None:
    """Nothing magenta anywhere: the model looks closer and says so."""
    use(seeker())
    path = save_raster(tmp_path / "a.tif", painted(SIZE, (YARD, BLUE)), PLACE)
    result = ground(path, tmp_path / "s.gpkg")
    assert not result.objects and result.looks >= 2
