"""Questions of demo worlds are exact: every answer is worked out a second time, from the layers of the truth
and by rays that are followed step by step.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from rs_copilot.geo.crs import GEOD, WGS84, transform
from rs_copilot.jobs.simulate import SimulateParams, settings_of
from rs_copilot.reasoning.question import QuestionItem, QuestionSet
from rs_copilot.reasoning.tasks import PoseTask
from rs_copilot.simulation.questions.drawing import NOWHERE
from rs_copilot.simulation.questions.exact import Exact, Walk
from rs_copilot.simulation.questions.generate import (
    MAKERS,
    MORE_NOTATIONS,
    SETS,
    _other_notation,
    _with_typo,
    in_words,
    make_pose_questions,
    make_questions,
    read_wordings,
)
from rs_copilot.simulation.questions.measure import SECTORS
from rs_copilot.simulation.questions.move import _is_clear_event
from rs_copilot.simulation.questions.pose import POSE_MAKERS
from rs_copilot.simulation.questions.ways import way_exists
from rs_copilot.simulation.world import CRS

Layers = Mapping[str, gpd.GeoDataFrame]
SEED = 0


@pytest.fixture(scope="module")
def layers(small_world: Path) -> Layers:
    names = ("frames", "footprints", "observations", "events", "occluders", "roads")
    return {name: pyogrio.read_dataframe(small_world / "truth.gpkg", layer=name) for name in names}


@pytest.fixture(scope="module")
def exact(small_world: Path, layers: Layers) -> Exact:
    from rs_copilot.simulation.scenario import make_scenario

    params = SimulateParams(out=small_world, seconds=4.0, size="640x360", fps="5", extent_m=400.0)
    return Exact(make_scenario(settings_of(params)), layers["observations"], layers["events"])


@pytest.fixture(scope="module")
def items(exact: Exact) -> list[QuestionItem]:
    return [QuestionItem.model_validate(item) for item in make_questions(exact, SEED)]


def of_task(items: list[QuestionItem], task: str) -> Iterator[QuestionItem]:
    return (item for item in items if item.task.value == task and item.answerable)


def on_grid(item: QuestionItem) -> dict[str, shapely.Geometry]:
    """Marks of a question in metres of the world's CRS."""
    return {
        mark.name: shapely.transform(mark.shape_lonlat, lambda xy: transform(xy, WGS84, CRS))
        for mark in item.marks
    }


def chosen(item: QuestionItem) -> str:
    return item.choices[str(item.answer)]


def is_seen(exact: Exact, layers: Layers, place: shapely.Point) -> np.ndarray:
    """Frames whose footprint of the truth holds a place that no step of the ray to it goes through."""
    xy = np.array(place.coords[0]) - exact.scenario.world.origin_en
    inside = layers["footprints"].geometry.contains(place).to_numpy()
    return np.array([bool(inside[k]) and not exact.hiders(k, xy) for k in range(len(inside))])


def test_every_task_that_a_short_clip_can_hold_is_asked(items: list[QuestionItem]) -> None:
    asked = {item.task.value for item in items}
    # Four seconds are too short for events and for three places one after another.
    assert asked >= set(MAKERS) - {"event geo-localization", "spatiotemporal ordering", "region interaction"}


def test_rays_stop_where_the_renderer_hid_vehicles(exact: Exact, layers: Layers) -> None:
    seen = layers["observations"]
    origin = exact.scenario.world.origin_en
    rights = []
    for row in seen[(seen["visible"] > 0.99) | (seen["visible"] == 0.0)].itertuples():
        sight = exact.sight(np.array(row.geometry.coords[0]) - origin, 0.7)
        hider = exact.kind_of(int(sight.hider[row.frame])) if sight.hider[row.frame] > 0 else None
        rights.append(hider == (None if row.visible else str(row.occluder).split()[0]))
    assert len(rights) > 40
    # A vehicle is larger than the point at its middle, and the shutter rolls.
    assert np.mean(rights) > 0.9


def test_steps_along_rays_find_what_rays_hit(exact: Exact, rng: np.random.Generator) -> None:
    same = []
    for _ in range(60):
        xy = exact.centers[rng.integers(len(exact.centers))] + rng.normal(0, 25, 2)
        sight = exact.sight(xy)
        for index in np.flatnonzero(sight.inside_m > 1.0)[::5]:
            same += [bool(sight.hider[index] > 0) == bool(exact.hiders(int(index), xy))]
    assert np.mean(same) > 0.97


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_visible_marks_are_seen_and_others_are_in_no_frame(
    exact: Exact, layers: Layers, items: list[QuestionItem]
) -> None:
    for item in of_task(items, "target visibility"):
        assert (chosen(item) == "yes") == bool(is_seen(exact, layers, on_grid(item)["A"]).any())


def test_squares_lie_where_the_frame_looks(layers: Layers, items: list[QuestionItem]) -> None:
    times = layers["frames"]["time_s"].to_numpy()
    for item in of_task(items, "scene association"):
        found = re.search(r"(?:(\d+):)?(\d+\.?\d*)", item.text)
        assert found is not None
        time_s = 60.0 * int(found[1] or 0) + float(found[2])
        shown = layers["footprints"].geometry.iloc[int(np.argmin(abs(times - time_s)))]
        marks = on_grid(item)
        assert [name for name, zone in marks.items() if zone.intersects(shown)] == [item.answer]


def test_counts_are_those_of_the_map_and_of_the_truth(layers: Layers, items: list[QuestionItem]) -> None:
    houses = layers["occluders"][layers["occluders"]["kind"] == "building"]
    rows = layers["observations"]
    moving = rows[(rows["label"] != "person") & (rows["visible"] > 0.05)]
    for item in of_task(items, "zone counting"):
        zone = on_grid(item)["A"]
        is_houses = re.search(r"\bb\w{6,}s\b|\bh\w{3,}s\b", item.text) is not None
        inside = houses.intersects(zone).sum() if is_houses else None
        count = moving[moving.geometry.within(zone)]["track_id"].nunique() if inside is None else inside
        assert item.answer == count


def test_moments_are_first_sights_or_passes(exact: Exact, layers: Layers, items: list[QuestionItem]) -> None:
    frames = layers["frames"]
    times, centers = frames["time_s"].to_numpy(), shapely.get_coordinates(frames.geometry.to_numpy())
    for item in of_task(items, "temporal grounding"):
        place = on_grid(item)["A"]
        gaps = np.linalg.norm(centers - place.coords[0], axis=1)
        seen = is_seen(exact, layers, place)
        moments = times[np.argmin(gaps)], times[np.argmax(seen)]
        assert isinstance(item.answer, float)
        assert min(abs(item.answer - moment) for moment in moments) <= 0.21


def test_the_way_of_the_drone_is_unlike_the_other_lines(layers: Layers, items: list[QuestionItem]) -> None:
    path = shapely.LineString(layers["frames"][["cam_x", "cam_y"]].to_numpy())
    asked = [item for item in items if item.task.value == "trajectory matching"]
    assert any(not item.answerable for item in asked)
    for item in asked:
        near = [name for name, line in on_grid(item).items() if line.hausdorff_distance(path) < 20.0]
        assert near == ([item.answer] if item.answerable else [])


def test_distances_and_directions_are_geodesic(layers: Layers, items: list[QuestionItem]) -> None:
    centers = layers["frames"][["lon", "lat"]].to_numpy()
    for item in of_task(items, "relative distance"):
        ends = [mark.shape_lonlat.coords[0] for mark in item.marks]
        others = [ends[1]] if len(ends) == 2 else [tuple(xy) for xy in centers]
        assert isinstance(item.answer, float)
        off = [abs(GEOD.inv(*ends[0], *other)[2] - item.answer) for other in others]
        assert min(off) < 0.01
    for item in of_task(items, "relative direction"):
        start, end = (item.marks[k].shape_lonlat.coords[0] for k in (0, 1))
        azimuth = GEOD.inv(*start, *end)[0] % 360.0
        names = "north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"
        assert chosen(item) == names[round(azimuth / 45.0) % 8]


def test_hidden_marks_have_one_kind_of_thing_before_them(
    exact: Exact, layers: Layers, items: list[QuestionItem]
) -> None:
    asked = list(of_task(items, "occlusion attribution"))
    assert asked
    for item in asked:
        xy = np.array(on_grid(item)["A"].coords[0]) - exact.scenario.world.origin_en
        kinds = {kind for index in range(len(exact.times_s)) for kind in exact.hiders(index, xy)}
        assert chosen(item).removeprefix("a ") in kinds


def test_marks_lie_on_the_map(exact: Exact, items: list[QuestionItem]) -> None:
    area = shapely.transform(exact.map_area, lambda xy: xy + exact.scenario.world.origin_en).buffer(0.01)
    for item in items:
        if item.task.value != "trajectory matching":
            assert all(area.contains(shape) for shape in on_grid(item).values())


def test_closed_junctions_are_crossed_only_where_allowed() -> None:
    from rs_copilot.simulation.network import Edge

    class Streets:
        """A cross: west-middle-east, north-middle-south."""

        edges = tuple(
            Edge(name, 0, np.array(points, dtype=float), a, b)
            for name, points, a, b in (
                ("W", [(-9, 0), (0, 0)], 0, 1), ("E", [(0, 0), (9, 0)], 1, 2),
                ("N", [(0, 9), (0, 0)], 3, 1), ("S", [(0, 0), (0, -9)], 1, 4),
            )
        )  # fmt: skip

    west, east, north, south = Streets.edges
    streets: Any = Streets
    assert way_exists(streets, west, east, [])
    assert way_exists(streets, west, east, [north, south])
    assert not way_exists(streets, west, east, [north, south], through=False)
    assert way_exists(streets, west, north, [east])
    assert not way_exists(streets, west, north, [east], through=False)


def test_the_same_seed_asks_the_same_and_another_asks_elsewhere(
    exact: Exact, items: list[QuestionItem]
) -> None:
    one, again = (make_questions(exact, 3, "test", per_task=1) for _ in range(2))
    assert one == again
    here = [mark for item in items for mark in item.marks]
    assert all(mark not in here for item in one for mark in QuestionItem.model_validate(item).marks)


def test_unanswerable_questions_come_with_a_twin_and_a_reason(items: list[QuestionItem]) -> None:
    rows = sorted((item.pair, item.id, item) for item in items)
    for _, group in itertools.groupby(rows, key=lambda row: row[0]):
        pair = [item for *_, item in group]
        assert [item.answerable for item in pair] == [True, False][: len(pair)]
        assert len({(item.task, item.kind) for item in pair}) == 1
        for item in pair:
            assert (item.answer is None) == (item.reason is not None) == (not item.answerable)


def test_names_that_are_nowhere_are_on_no_map(small_world: Path) -> None:
    names = set()
    for layer in ("zones", "roads", "occluders"):
        names |= set(pyogrio.read_dataframe(small_world / "map.gpkg", layer=layer)["name"])
    assert not names & set(NOWHERE)


def test_the_world_comes_with_a_question_set(small_world: Path) -> None:
    written = QuestionSet.model_validate_json((small_world / "questions.json").read_bytes())
    assert {(small_world / name).is_file() for name in (written.clip, written.satellite)} == {True}
    assert set(written.layers) == {"zones", "roads", "occluders"}
    assert len({item.id for item in written.questions}) == len(written.questions) > 30


def test_the_map_tells_nothing_of_the_flight(small_world: Path) -> None:
    found = {str(name) for name, _ in pyogrio.list_layers(small_world / "map.gpkg")}
    assert found == {"zones", "roads", "occluders"}
    columns = {
        name for layer in found for name in pyogrio.read_info(small_world / "map.gpkg", layer)["fields"]
    }
    assert columns == {"name", "kind", "height_m", "road_class", "width_m", "bridge"}


def gaps(wording: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", wording))


def test_the_sets_of_wordings_share_forms_and_gaps_but_no_words() -> None:
    by_set = {name: read_wordings(name) for name in SETS}
    assert len({frozenset(forms) for forms in by_set.values()}) == 1
    for form, words in by_set["development"].items():
        texts = [text for forms in by_set.values() for text in forms[form]]
        assert len({re.sub(r"\W+", " ", text).lower() for text in texts}) == len(texts)
        assert {frozenset(gaps(text)) for text in texts} == {frozenset(gaps(words[0]))}
        least = {"development": 5, "test": 6, "validation": 10}
        assert all(len(by_set[name][form]) >= count for name, count in least.items())


def test_moments_keep_their_value_in_every_notation() -> None:
    rng = np.random.default_rng(5)
    written = {_other_notation("13.9 s", rng, MORE_NOTATIONS) for _ in range(300)}
    assert written >= {"0:13.9", "13.9s", "0 min 13.9 s", "thirteen point nine seconds", "second 13.9"}
    assert len(written) == len(MORE_NOTATIONS)
    assert all("13.9" in text or "thirteen point nine" in text for text in written)
    assert [in_words(value) for value in (0.0, 7.0, 20.5, 42.04)] == [
        "zero", "seven", "twenty point five", "forty-two"
    ]  # fmt: skip
    late = {_other_notation("75.2 s", rng, MORE_NOTATIONS) for _ in range(300)}
    assert late >= {"1:15.2", "01:15.2", "1 min 15.2 s", "75.2 seconds"}


def test_validation_wordings_ask_the_same_of_other_places(exact: Exact, items: list[QuestionItem]) -> None:
    asked = [QuestionItem.model_validate(item) for item in make_questions(exact, SEED, "validation", 1)]
    assert len({item.task for item in asked} & {item.task for item in items}) > 6
    assert not any("{" in item.text for item in asked)


def test_no_gap_is_left_open(items: list[QuestionItem]) -> None:
    assert not any("{" in item.text or "}" in item.text for item in items)
    assert json.loads(items[0].model_dump_json())["text"] == items[0].text


def test_typos_spare_gaps_and_keep_letters(rng: np.random.Generator) -> None:
    wordings = [text for forms in (read_wordings(name) for name in SETS)
                for texts in forms.values() for text in texts]  # fmt: skip
    changed = 0
    for text in wordings:
        slip = _with_typo(text, rng)
        assert gaps(slip) == gaps(text)
        assert sorted(slip) == sorted(text)
        assert re.findall(r"\b[A-Z]\b|\{\w+\}", slip) == re.findall(r"\b[A-Z]\b|\{\w+\}", text)
        changed += slip != text
    assert changed > 0.8 * len(wordings)


@pytest.fixture(scope="module")
def posed(exact: Exact) -> list[QuestionItem]:
    return [QuestionItem.model_validate(item) for item in make_pose_questions(exact, SEED, 2)]


def seconds_in(text: str) -> list[float]:
    found = re.findall(
        r"(?:(\d+):)?(\d+\.?\d*)(?= s\b| sec|[^\d.]|$)", text.replace("4 x 4", "").replace("4 by 4", "")
    )
    return [60.0 * float(minutes or 0) + float(rest) for minutes, rest in found]


def test_questions_about_the_camera_are_a_set_of_their_own(posed: list[QuestionItem]) -> None:
    assert {item.task for item in posed} <= set(PoseTask)
    assert len({item.task for item in posed}) > 8
    assert set(POSE_MAKERS) == {task.value for task in PoseTask}
    assert not set(read_wordings("pose")) & set(read_wordings("development"))
    for forms in read_wordings("pose").values():
        assert len({frozenset(gaps(text)) for text in forms}) == 1
        assert len(set(forms)) == len(forms) >= 5
    assert sum(not item.answerable for item in posed) > 10


def test_headings_and_heights_are_those_of_the_truth(layers: Layers, posed: list[QuestionItem]) -> None:
    frames = layers["frames"]
    times, ground = frames["time_s"].to_numpy(), frames["ground_z"].to_numpy()
    for item in (item for item in posed if item.answerable):
        if item.task is PoseTask.HEIGHT:
            index = int(np.argmin(abs(times - seconds_in(item.text)[0])))
            assert item.answer == pytest.approx(frames["cam_z"].iloc[index] - ground[index], abs=4.0)
        if item.task is PoseTask.HEADING:
            index = int(np.argmin(abs(times - seconds_in(item.text)[0])))
            sector = SECTORS.index(item.choices[str(item.answer)])
            yaw = frames["yaw_deg"].iloc[index]
            assert abs((yaw - 45.0 * sector + 180.0) % 360.0 - 180.0) < 20.0


def test_the_camera_is_where_questions_say(layers: Layers, posed: list[QuestionItem]) -> None:
    frames = layers["frames"]
    cameras, times = frames[["cam_x", "cam_y"]].to_numpy(), frames["time_s"].to_numpy()
    for item in (item for item in posed if item.answerable):
        marks = on_grid(item)
        if item.task not in (PoseTask.INSIDE, PoseTask.OVER, PoseTask.RANGE):
            continue
        camera = shapely.Point(cameras[int(np.argmin(abs(times - seconds_in(item.text)[0])))])
        if item.task is PoseTask.INSIDE:
            assert marks["A"].contains(camera) == (chosen(item) == "yes")
        elif item.task is PoseTask.OVER:
            assert min(marks, key=lambda name: marks[name].distance(camera)) == item.answer
        else:
            assert isinstance(item.answer, float)
            assert item.answer > marks["A"].distance(camera)


@pytest.mark.parametrize(("lost_s", "is_clear"), [((), True), ((4.0,), True), ((4.0, 4.25, 4.5), False)])
def test_an_event_is_clear_only_where_its_object_is_seen_all_the_time_about_it(lost_s, is_clear):
    # It may be seen again long after, which says nothing of the moment.
    times_s = np.array([time_s for time_s in np.arange(0.0, 9.0, 0.25) if time_s not in lost_s])
    xy = np.stack([5.0 * times_s, np.zeros_like(times_s)], axis=1)
    walk = Walk(1, "car", times_s, xy, np.full(len(times_s), 5.0))
    assert _is_clear_event(walk, 3.5, 0.25) is is_clear


def test_an_event_is_not_clear_before_its_object_is_seen():
    times_s = np.arange(3.0, 9.0, 0.25)
    walk = Walk(1, "car", times_s, np.stack([5.0 * times_s] * 2, axis=1), np.full(len(times_s), 5.0))
    assert not _is_clear_event(walk, 3.5, 0.25) and _is_clear_event(walk, 4.0, 0.25)
    assert not _is_clear_event(None, 4.0, 0.25)
