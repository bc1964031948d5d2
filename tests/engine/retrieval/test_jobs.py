"""From a raster to ranked tiles: the place that a photo was cut from comes first."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from rs_copilot import cli
from rs_copilot.errors import BadInputError, CancelledError
from rs_copilot.jobs import index, search
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.localization.retrieve import draw_query, guesses
from rs_copilot.localization.view import nadir_view
from rs_copilot.retrieval.gallery import open_gallery
from rs_copilot.types import SizeWH
from rs_copilot.vector.store import read_layer

from .conftest import GSD_M, NORTH_M, WEST_M, texture, write_map

SIZE = SizeWH(400, 300)


def photo(
    map_image: np.ndarray, center_px: tuple[float, float], width_m: float, yaw_deg: float
) -> np.ndarray:
    """A frame of that ground width, cut from the map and turned; centre in map pixels."""
    angle, scale = np.radians(yaw_deg), width_m / GSD_M / SIZE.width_px
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    map_from_photo = np.hstack([turn, (np.array(center_px) - turn @ SIZE.center_px)[:, None]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(map_image, map_from_photo, (SIZE.width_px, SIZE.height_px), flags=flags)


def write_photo(path: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


def ask(index_path: Path, weights: Path, image: Path, **options) -> search.SearchResult:
    return search.run(
        search.SearchParams(index=index_path, image=image, weights=weights, **options), JobContext()
    )


def center_px(index_path: Path, tile: int) -> np.ndarray:
    xy = open_gallery(index_path).tiles.center_xy_m[tile]
    return np.array([xy[0] - WEST_M, NORTH_M - xy[1]]) / GSD_M


def test_indexing_covers_the_raster(index_path: Path, map_path: Path):
    gallery = open_gallery(index_path)
    assert gallery.manifest.sides_m == [60.0, 120.0]
    assert gallery.manifest.rasters[0].path == str(map_path)
    assert gallery.manifest.rasters[0].size_bytes == map_path.stat().st_size
    # Twelve columns on the grid of the CRS and one at each edge; rows alike.
    assert len(gallery.tiles) == 14 * 10 + 7 * 5
    assert (gallery.tiles.valid_share == 1.0).all()


@pytest.mark.parametrize("yaw", [0.0, 75.0, 200.0])
def test_a_photo_of_known_width_and_heading_is_found(index_path, weights, map_image, tmp_path, yaw):
    image = write_photo(tmp_path / "photo.png", photo(map_image, (180.0, 150.0), 75.0, yaw))
    result = ask(index_path, weights, image, width_m=75.0, heading_deg=yaw, k=3)
    best = result.tiles[0]
    assert result.guesses == 1
    assert best.side_m == 60.0
    assert np.abs(center_px(index_path, best.tile) - (180.0, 150.0)).max() <= 16.0
    assert best.heading_deg == pytest.approx(yaw, abs=0.5)
    assert best.width_m == pytest.approx(75.0)


def test_an_unknown_heading_is_found_with_it(index_path, weights, map_image, tmp_path):
    image = write_photo(tmp_path / "photo.png", photo(map_image, (210.0, 120.0), 80.0, 120.0))
    result = ask(index_path, weights, image, width_m=80.0)
    assert result.guesses == 12
    assert result.tiles[0].heading_deg == pytest.approx(120.0, abs=1.0)
    assert np.abs(center_px(index_path, result.tiles[0].tile) - (210.0, 120.0)).max() <= 16.0


def test_an_unknown_width_is_found_too(index_path, weights, map_image, tmp_path):
    image = write_photo(tmp_path / "photo.png", photo(map_image, (195.0, 135.0), 140.0, 0.0))
    result = ask(index_path, weights, image, heading_deg=0.0)
    assert result.tiles[0].width_m == pytest.approx(140.0, rel=0.15)
    assert result.tiles[0].side_m == 120.0
    scores = [item.score for item in result.tiles]
    assert scores == sorted(scores, reverse=True)
    assert [item.rank for item in result.tiles] == list(range(1, 11))


def test_telemetry_says_width_and_heading(index_path, weights, map_image, tmp_path):
    folder = tmp_path / "flight"
    folder.mkdir()
    write_photo(folder / "a.png", photo(map_image, (180.0, 150.0), 75.0, 40.0))
    (folder / "telemetry.csv").write_text(
        "file,yaw_deg,pitch_deg,alt_agl_m,hfov_deg\na.png,40,-90,50,73.74\n"
    )
    result = ask(index_path, weights, folder)
    assert result.guesses == 1
    assert result.tiles[0].width_m == pytest.approx(75.0, rel=0.01)
    assert np.abs(center_px(index_path, result.tiles[0].tile) - (180.0, 150.0)).max() <= 16.0


def test_several_frames_of_one_place_are_one_query(index_path, weights, map_image, tmp_path):
    for number in range(3):
        noisy = photo(map_image, (240.0 + number, 180.0), 75.0, 0.0)
        noise = np.random.default_rng(number).normal(0, 40, noisy.shape)
        write_photo(tmp_path / f"{number}.png", np.clip(noisy + noise, 0, 255).astype(np.uint8))
    result = ask(index_path, weights, tmp_path, width_m=75.0, heading_deg=0.0)
    assert result.frames == 3
    assert np.abs(center_px(index_path, result.tiles[0].tile) - (240.0, 180.0)).max() <= 16.0


def test_tiles_go_into_a_scene(index_path, weights, map_image, tmp_path):
    image = write_photo(tmp_path / "photo.png", photo(map_image, (180.0, 150.0), 75.0, 0.0))
    scene = tmp_path / "scene.gpkg"
    for _ in range(2):
        ask(index_path, weights, image, width_m=75.0, heading_deg=0.0, out=scene, k=4)
    rows = read_layer(scene, "candidates")
    assert rows["rank"].tolist() == [1, 2, 3, 4]
    assert set(rows["method"]) == {"retrieval"}
    assert rows["model_hash"].str.len().eq(64).all()
    np.testing.assert_allclose(rows.area, 3600.0, rtol=1e-6)
    assert read_layer(scene, "runs")["command"].tolist() == ["search", "search"]


def test_rasters_keep_apart_in_one_index(map_image, weights, tmp_path):
    other = texture(200, 200, seed=8)
    first = write_map(tmp_path / "a.tif", map_image)
    second = write_map(tmp_path / "b.tif", other, east_m=5000.0)
    out = tmp_path / "both.index"
    params = index.IndexParams(rasters=[str(first), str(second)], out=out, weights=weights, scales_m=[60])
    assert index.run(params, JobContext()).rasters == 2
    image = write_photo(tmp_path / "photo.png", photo(other, (93.5, 121.5), 75.0, 0.0))
    best = ask(out, weights, image, width_m=75.0, heading_deg=0.0).tiles[0]
    assert Path(best.raster).name == "b.tif"
    assert open_gallery(out).tiles.center_xy_m[best.tile][0] > WEST_M + 5000.0


def test_ground_without_data_is_left_out(map_image, weights, tmp_path):
    image = map_image.copy()
    image[:, 200:] = 0
    raster = write_map(tmp_path / "half.tif", image, nodata=0)
    out = tmp_path / "half.index"
    index.run(index.IndexParams(rasters=[str(raster)], out=out, weights=weights, scales_m=[60]), JobContext())
    assert open_gallery(out).tiles.center_xy_m[:, 0].max() <= WEST_M + 200.0 + 30.0
    image[:] = 0
    write_map(raster, image, nodata=0)
    with pytest.raises(BadInputError, match="nothing on the rasters"):
        index.run(index.IndexParams(rasters=[str(raster)], out=out, weights=weights), JobContext())
    assert len(open_gallery(out).tiles) > 0


def test_cancelling_leaves_no_index(map_path, weights, tmp_path):
    stop = threading.Event()
    steps: list[Progress] = []

    def listen(step: Progress) -> None:
        steps.append(step)
        stop.set()

    params = index.IndexParams(rasters=[str(map_path)], out=tmp_path / "i", weights=weights)
    with pytest.raises(CancelledError):
        index.run(params, JobContext(on_progress=listen, cancelled=stop))
    assert len(steps) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_makes_the_same_index(map_path, weights, tmp_path):
    pytest.importorskip("distributed")
    for name, scheduler in (("one", None), ("two", "local:2")):
        params = index.IndexParams(
            rasters=[str(map_path)], out=tmp_path / name, weights=weights, scheduler=scheduler
        )
        index.run(params, JobContext())
    one, two = open_gallery(tmp_path / "one"), open_gallery(tmp_path / "two")
    np.testing.assert_array_equal(one.vectors, two.vectors)
    np.testing.assert_array_equal(one.tiles.center_xy_m, two.tiles.center_xy_m)


def test_the_command_prints_json(map_path, index_path, weights, map_image, tmp_path, capfd):
    out = tmp_path / "c.index"
    options = ["--weights", str(weights), "--json", "--device", "cpu"]
    assert cli.run(["index", str(map_path), "--out", str(out), "--scales", "60,120", *options]) == 0
    made = json.loads(capfd.readouterr().out)
    assert made["tiles"] == len(open_gallery(index_path).tiles)
    assert made["kind"] == "flat"
    image = write_photo(tmp_path / "photo.png", photo(map_image, (180.0, 150.0), 75.0, 0.0))
    assert cli.run(["search", str(out), "--image", str(image), "-k", "3", "--width-m", "75", *options]) == 0
    found = json.loads(capfd.readouterr().out)
    assert len(found["tiles"]) == 3
    assert len(found["tiles"][0]["footprint"]) == 4


@pytest.mark.parametrize("scales", ["x", "60,", "0", "-5,60"])
def test_scales_that_are_none(scales, capfd):
    assert cli.run(["index", "a.tif", "--out", "i", "--scales", scales]) == 2
    assert "--scales" in capfd.readouterr().err


def test_a_query_is_drawn_to_scale_with_nothing_around():
    """A white frame 100 m wide in a square of 200 m: half as wide, three eighths as high."""
    (guess,) = guesses(nadir_view(SIZE, 100.0), [200.0], scale_known=True, heading_known=True)
    drawn = draw_query(np.full((300, 400, 3), 255, np.uint8), guess, 96)
    assert drawn.shape == (96, 96, 4)
    assert (drawn[..., 3] > 0).any(axis=0).sum() == pytest.approx(48, abs=1)
    assert (drawn[..., 3] > 0).any(axis=1).sum() == pytest.approx(36, abs=1)
    assert not drawn[drawn[..., 3] == 0].any()


def test_recall_over_photos_of_known_place(index_path, weights, map_image, tmp_path, capfd):
    folder = tmp_path / "photos"
    folder.mkdir()
    gallery = open_gallery(index_path)
    rows, told = ["file,center_lon,center_lat"], ["file,yaw_deg,pitch_deg,alt_agl_m,hfov_deg"]
    for number, center in enumerate([(180.0, 150.0), (240.0, 120.0), (120.0, 60.0)]):
        write_photo(folder / f"{number}.png", photo(map_image, center, 75.0, 30.0 * number))
        tile = (
            np.abs(gallery.tiles.center_xy_m - (WEST_M + center[0], NORTH_M - center[1])).sum(axis=1).argmin()
        )
        lon, lat = gallery.lonlat[tile]
        # The last photo's truth is a lie: it must count as a miss.
        rows.append(f"{number}.png,{lon + (0.1 if number == 2 else 0.0)},{lat}")
        told.append(f"{number}.png,{30 * number},-90,50,73.74")
    (tmp_path / "truth.csv").write_text("\n".join(rows))
    (tmp_path / "told.csv").write_text("\n".join(told))
    arguments = ["eval", "retrieval", str(index_path), "--clip", str(folder), "--weights", str(weights)]
    files = ["--truth", str(tmp_path / "truth.csv"), "--telemetry", str(tmp_path / "told.csv")]
    assert cli.run([*arguments, *files, "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert result["frames"] == 3
    assert result["findable"] == pytest.approx(2 / 3)
    assert result["recalls"][0]["share"] == pytest.approx(2 / 3)
    assert result["recalls"][0]["low"] <= 2 / 3 <= result["recalls"][0]["high"]
    (tmp_path / "truth.csv").write_text("file,center_lon,center_lat\nz.png,1,2\n")
    assert cli.run([*arguments, *files, "--json"]) == 3
    (tmp_path / "truth.csv").write_text("file,latitude\nz.png,1\n")
    assert cli.run([*arguments, *files, "--json"]) == 3


def test_a_raster_that_changed_since_is_told(map_image, weights, tmp_path):
    raster = write_map(tmp_path / "map.tif", map_image)
    out = tmp_path / "map.index"
    index.run(
        index.IndexParams(rasters=[str(raster)], out=out, weights=weights, scales_m=[120]), JobContext()
    )
    image = write_photo(tmp_path / "photo.png", photo(map_image, (180.0, 120.0), 140.0, 0.0))
    assert ask(out, weights, image, width_m=140.0).warnings == []
    write_map(raster, map_image[::-1])
    assert "has changed since" in ask(out, weights, image, width_m=140.0).warnings[0]
