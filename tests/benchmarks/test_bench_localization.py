"""The benchmark itself, on placements and pictures whose truth is known: no rendering, no real data."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import bench
import numpy as np
import pytest
import rasterio

from benchmarks.localization import modalities, plots, report, runner, store
from benchmarks.localization.cases import ATTITUDE, NONE, Case
from benchmarks.localization.dense import DenseMethod, double_angle_field, grey_field
from benchmarks.localization.learned import MAX_MAPS, LearnedMethod, has_dense_weights
from benchmarks.localization.maps import shaded
from benchmarks.localization.methods import MAKERS
from benchmarks.localization.queries import Query, nadir_view
from benchmarks.localization.retriever import RetrieverMethod
from benchmarks.localization.sift import SiftMethod
from benchmarks.localization.store import OURS, Row
from rs_copilot.evaluation.localization_scores import Outcome
from rs_copilot.raster.source import open_raster
from rs_copilot.types import LonLat

WIDTH_M, YAW_DEG = 100.0, 30.0


def row(error_m: float | None = 0.0, **changes: object) -> Row:
    outcomes = [Outcome(str(i), error_m, 1.0, 2.0, (0.0, 90.0), 0.001) for i in range(10)]
    values = {"case": "place", "group": "real", "method": OURS, "use": ATTITUDE, "key": "k", "frames": 10}
    return Row(**{**values, "outcomes": outcomes, "wall_s": 5.0, "cpu_s": 4.0, "peak_mb": 300.0, **changes})


def every_group() -> list[Row]:
    rows = [
        row(use=use, method=method, more={"map_km2": 0.5} if method == OURS else {})
        for use in (ATTITUDE, NONE)
        for method in (OURS, "double-angle")
    ]
    rows += [
        row(case=f"town{seed}", group="tilt", tags={"tilt": tilt}) for seed in (1, 2) for tilt in ("0", "45")
    ]
    rows += [row(case="season", group="season", tags={"season": "summer clip, autumn map"})]
    rows += [row(math.inf, case="a_on_b", group="foreign")]
    rows += [row(case=f"{a}", group="area", tags={"area_km2": a}, more={"first_fix_s": 1.5}) for a in "14"]
    rows += [row(case="m", group="modality", tags={"modality": "night", "source": "01"})]
    return [*rows, row(case="slow", problem="stopped after 9 s", outcomes=[])]


def test_a_perfect_method_reads_as_perfect() -> None:
    (line,) = [line for line in report.accuracy_table([row()], "source") if line.startswith("| place")]
    assert [cell.strip() for cell in line.strip("|").split("|")][3:10] == [
        "10", "100 %", "100 %", "100 % (72–100)", "100 %", "100 %", "0.00"
    ]  # fmt: skip
    assert "| 100 % | 2.00 | 0.000 | 100 % / 100 % / 100 % | 0.1 % |" in "\n".join(
        report.honesty_table([row()])
    )


def test_the_report_has_every_section_and_says_what_failed() -> None:
    text = report.document(every_group(), ["localization-errors.png"])
    for title in (
        "Real sources",
        "angle off nadir",
        "Season pairs",
        "Size of the map",
        "How honest",
        "weather",
    ):
        assert title in text
    assert "| 45° off nadir | attitude | **RS Copilot** | 20 |" in text, "two towns are one row"
    assert "| a on b | attitude | 10 | 100 % | 100 % |" in text
    assert "* Stopped after 9 s: slow (ours, attitude)." in text
    assert "images/localization-errors.png" in text
    assert "nan" not in text.lower()


def test_plots_are_drawn_and_small(tmp_path: Path) -> None:
    names = plots.draw_all(every_group(), tmp_path)
    assert len(names) == 4
    assert all(0 < (tmp_path / name).stat().st_size <= 200_000 for name in names)
    assert plots.draw_all([], tmp_path) == []


def test_methods_are_compared_on_the_same_queries() -> None:
    few = replace(row(method="grey-ncc"), outcomes=row().outcomes[2:5])
    ours, other, alone = plots.on_same_queries([row(), few, row(use=NONE)])
    assert [o.query for o in ours.outcomes] == [o.query for o in other.outcomes] == ["2", "3", "4"]
    assert len(alone.outcomes) == 10


def test_rows_are_kept_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    kept = replace(row(math.inf), more={"first_fix_s": 1.0})
    store.write_row(path, kept)
    assert store.read_row(path) == kept
    assert store.read_row(tmp_path / "none.json") is None
    store.write_errors(tmp_path / "errors.csv", [kept])
    assert len((tmp_path / "errors.csv").read_text(encoding="utf-8").splitlines()) == 11


def test_only_code_decides_a_key(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    keys = []
    for text in (
        "def f(x):\n    return x + 1\n",
        '"""Says more."""\n\n\ndef f(x):\n    """Adds."""\n    # One.\n    return (x + 1)\n',
        "def f(x):\n    return x + 2\n",
    ):
        file.write_text(text, encoding="utf-8")
        keys.append(store.hash_of([tmp_path]))
    assert keys[0] == keys[1] != keys[2]


def test_a_row_that_does_not_end_in_time_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_run", lambda *_: None)
    case = Case("place", "real", tmp_path / "missing.mp4", tmp_path / "missing.tif", {}, methods=())
    (task,) = (task for task in runner.tasks_of([case], tmp_path) if task.use == ATTITUDE)
    store.write_row(task.path, replace(row(case="place"), key="older"))
    (found,) = runner.run_all([task], runner.Limits(all_s=20.0))
    assert found.is_old


def test_a_kept_row_is_not_measured_again(tmp_path: Path) -> None:
    case = Case("place", "real", tmp_path / "missing.mp4", tmp_path / "missing.tif", {}, methods=())
    tasks = runner.tasks_of([case], tmp_path)
    for task in tasks:
        store.write_row(task.path, replace(task.blank(), frames=7))
    assert [found.frames for found in runner.run_all(tasks, runner.Limits())] == [7, 7]
    assert all(len(json.loads(task.path.read_text())["key"]) == 16 for task in tasks)


def test_when_time_is_up_kept_rows_serve_and_say_so(tmp_path: Path) -> None:
    case = Case("place", "real", tmp_path / "missing.mp4", tmp_path / "missing.tif", {}, methods=())
    first, second = runner.tasks_of([case], tmp_path)
    store.write_row(first.path, replace(row(case="place", use=first.use), key="older", commit="abc1234"))
    rows = runner.run_all([first, second], runner.Limits(all_s=0.0))
    assert [found.is_old for found in rows] == [True, False]
    assert rows[1].problem == "not measured, time was up"
    assert "* Measured at abc1234: place (ours, attitude)." in report.document(rows, [])


def test_a_block_is_put_between_its_markers_only() -> None:
    page = (
        "before\n<!-- bench:one -->\nold\n<!-- /bench -->\nmiddle\n<!-- bench:two -->\n<!-- /bench -->\nend\n"
    )
    once = bench.insert(page, "one", "new\n")
    assert once == page.replace("old", "new")
    assert bench.insert(once, "one", "new") == once
    assert "middle\n<!-- bench:two -->\nother\n<!-- /bench -->\nend" in bench.insert(page, "two", "other")
    with pytest.raises(ValueError, match="expected <!-- bench:three -->"):
        bench.insert(page, "three", "x")


def test_the_page_has_the_markers() -> None:
    page = bench.PAGE.read_text(encoding="utf-8")
    for name in {step.section for step in (*bench.STEPS, *bench.QUICK)}:
        assert bench.insert(page, name, "x") != page


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raster of 300 m, 0.5 m per pixel, with blocks of every size: texture that nothing repeats."""
    rng = np.random.default_rng(5)
    picture = np.full((600, 600), 90, dtype=np.uint8)
    for _ in range(900):
        x, y = rng.integers(0, 600, 2)
        w, h = rng.integers(6, 40, 2)
        picture[y : y + h, x : x + w] = rng.integers(30, 230)
    path = tmp_path_factory.mktemp("bench") / "place.tif"
    profile = {"driver": "GTiff", "width": 600, "height": 600, "count": 3, "dtype": "uint8"}
    transform = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_000_300)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as target:
        target.write(np.repeat(picture[None], 3, axis=0))
    return path


def taken_from(path: Path, yaw_deg: float | None = YAW_DEG, width_m: float | None = WIDTH_M) -> Query:
    """A picture cut from the place, turned by `YAW_DEG`, with its true centre."""
    import cv2

    center_px = np.array([330.0, 270.0])
    with rasterio.open(path) as source:
        picture = np.moveaxis(source.read(), 0, 2)
    angle, scale = np.radians(YAW_DEG), WIDTH_M / 0.5 / 400.0
    right, down = (
        scale * np.array([np.cos(angle), np.sin(angle)]),
        scale * np.array([-np.sin(angle), np.cos(angle)]),
    )
    corner = center_px - 0.5 - 199.5 * right - 149.5 * down
    matrix = np.stack([right, down, corner], axis=1)
    image = cv2.warpAffine(picture, matrix, (400, 300), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    truth_m = np.array([500_000 + 0.5 * center_px[0], 5_000_300 - 0.5 * center_px[1]])
    image = np.asarray(image, dtype=np.uint8)
    exact = None if yaw_deg is None or width_m is None else nadir_view(image, width_m, yaw_deg)
    return Query("crop", image, truth_m, yaw_deg, width_m, exact)


@pytest.mark.parametrize("make", [grey_field, double_angle_field])
@pytest.mark.parametrize("yaw_deg", [YAW_DEG, None])
def test_dense_methods_find_a_crop(place: Path, make: object, yaw_deg: float | None) -> None:
    query = taken_from(place, yaw_deg)
    with open_raster(place) as raster:
        answer = DenseMethod("dense", make, raster).answer(query)
    assert answer.center_m is not None
    assert np.linalg.norm(answer.center_m - query.truth_m) < (1.5 if yaw_deg else 4.0)
    assert answer.area_share is not None
    assert answer.area_share < 0.01


@pytest.mark.parametrize("gated", [False, True])
def test_sift_finds_a_crop(place: Path, gated: bool) -> None:
    query = taken_from(place)
    with open_raster(place) as raster:
        answer = SiftMethod("sift", raster, gated).answer(query)
    assert answer.center_m is not None
    assert np.linalg.norm(answer.center_m - query.truth_m) < 1.5


@pytest.mark.skipif(not has_dense_weights(), reason="the learned field's weights are not here")
def test_the_learned_field_tries_every_width_where_only_the_heading_is_known(place: Path) -> None:
    query = replace(taken_from(place), exact=None, width_m=None, yaw_deg=YAW_DEG)
    assert len({view.width_m for view in query.views()}) > 1
    with open_raster(place) as raster:
        method = LearnedMethod(raster)
        answer = method.answer(query)
    assert answer.center_m is not None
    assert np.linalg.norm(answer.center_m - query.truth_m) < 8.0
    assert len(method._maps) <= MAX_MAPS


class Thumbnails:
    """Embeds a picture as its own small, centred grey picture, within the disc that turning leaves."""

    input_px = 32

    def embed(self, images: np.ndarray, branch: object) -> np.ndarray:
        grey = np.where(images[..., 3] > 0, images[..., :3].mean(axis=3), np.nan)
        blocks = grey[:, 8:24, 8:24].reshape(len(images), 8, 2, 8, 2)
        flat = blocks.mean(axis=(2, 4)).reshape(len(images), -1)
        flat = np.nan_to_num(flat - np.nanmean(flat, axis=1, keepdims=True))
        return flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6)


def test_the_retriever_answers_with_the_best_tile(place: Path) -> None:
    query = taken_from(place)
    with open_raster(place) as raster:
        method = RetrieverMethod(raster, Thumbnails())
        answer = method.answer(query)
    assert answer.center_m is not None
    assert answer.candidates_m is not None
    ((tiles, _),) = method._galleries.values()
    assert len(answer.candidates_m) == min(10, len(tiles))
    assert np.all(np.abs(answer.center_m - [500_150, 5_000_150]) <= 150), "tiles lie on the map"
    assert answer.area_share in [number / len(tiles) for number in range(1, len(tiles) + 1)]


def test_every_method_has_a_colour_a_name_and_a_place_in_the_order() -> None:
    for name in (OURS, *MAKERS):
        assert name in plots.COLORS
        assert name in plots.LABELS
        assert name in report.METHOD_NAMES
        assert name in report.METHOD_ORDER


@pytest.mark.parametrize("kind", [name for name, change in modalities.CHANGES.items() if change])
def test_changes_keep_the_size_and_are_repeatable(kind: str) -> None:
    change = modalities.CHANGES[kind]
    image = np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    first, again = (change(image, np.random.default_rng(2)) for _ in range(2))
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, image)


def test_slopes_towards_the_light_are_bright() -> None:
    y, x = np.mgrid[0:20, 0:20].astype(np.float32)
    assert shaded(0.3 * (x + y), 1.0).mean() > shaded(0 * x, 1.0).mean() > shaded(-0.3 * (x + y), 1.0).mean()


def test_a_foreign_case_has_no_true_centers() -> None:
    import pyproj

    crs = pyproj.CRS.from_epsg(32633)
    case = Case("a", "real", Path("a"), Path("b"), {"3": LonLat(15.0, 45.0)})
    assert case.centers_m(crs)["3"] == pytest.approx([500_000.0, 4_982_950.4], abs=1)
    assert replace(case, truth=None).centers_m(crs) is None
