"""Tracks as they come from a tracker, and what is made of them: pieces, leaps, levels, roofs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.columns import Columns
from rs_copilot.reasoning.fragments import joined
from rs_copilot.reasoning.leaps import without_leaps
from rs_copilot.reasoning.levelling import levelled, without_roofs
from rs_copilot.reasoning.occlusion import Occluders
from rs_copilot.reasoning.operations.motion import events
from rs_copilot.reasoning.operations.select import chance_inside
from rs_copilot.reasoning.scene import views_of
from rs_copilot.reasoning.things import Kind, Path, Thing
from rs_copilot.reasoning.views import Views
from rs_copilot.types import CameraPosition, FrameStatus, LonLat, Placement
from rs_copilot.vector.build import Grid, Provenance, frames_table
from tests.engine.reasoning import town

STEP_S = 0.125


def track(number: int, times: np.ndarray, xy: np.ndarray, label: str = "vehicle") -> Thing:
    name = f"track {number}"
    return Thing(name, Kind.TRACK, name, label, shapely.LineString(xy), 2.0, Path(times, xy))


def drive(start_s: float, end_s: float, xy: tuple[float, float], velocity: tuple[float, float]) -> Path:
    times = np.arange(start_s, end_s + 1e-9, STEP_S)
    return Path(times, np.array(xy) + (times - start_s)[:, None] * np.array(velocity))


def of(number: int, path: Path, label: str = "vehicle") -> Thing:
    return track(number, path.times_s, path.xy_m, label)


@given(
    st.lists(st.lists(st.floats(0.1, 3.0), min_size=1, max_size=8), min_size=1, max_size=5),
    st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_columns_say_what_each_path_says(gaps: list[list[float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    paths = [
        Path(np.cumsum([rng.uniform(0, 50), *some]), rng.normal(0, 50, (len(some) + 1, 2))) for some in gaps
    ]
    numbers, times = rng.integers(len(paths), size=40), rng.uniform(-5.0, 80.0, 40)
    found = Columns(paths).places(numbers, times)
    expected = [paths[n].places(np.array([t]))[0] for n, t in zip(numbers, times, strict=True)]
    assert np.allclose(found, expected)


def test_both_ends_of_a_bus_are_one_vehicle_and_cars_behind_one_another_are_two() -> None:
    front, rear = drive(0.0, 5.0, (6.0, 0.0), (8.0, 0.0)), drive(0.5, 5.5, (5.0, 0.5), (8.0, 0.0))
    (bus,) = joined([of(1, front), of(2, rear)])
    assert bus.properties["pieces"] == ["track 1", "track 2"]
    assert bus.path is not None and bus.path.span_s == (0.0, 5.5)
    assert np.linalg.norm(np.diff(bus.path.xy_m, axis=0), axis=1).max() < 1.5
    follower = drive(0.0, 5.0, (-6.0, 0.0), (8.0, 0.0))
    oncoming = drive(0.0, 5.0, (30.0, 3.5), (-8.0, 0.0))
    beside = drive(0.0, 5.0, (6.0, 3.5), (8.0, 0.0))
    assert len(joined([of(1, front), of(2, follower), of(3, oncoming), of(4, beside)])) == 4


def test_people_near_one_another_stay_two() -> None:
    some = [of(n, drive(0.0, 6.0, (0.0, 5.0 * n), (1.4, 0.0)), "unknown") for n in range(2)]
    assert len(joined(some)) == 2


@given(st.floats(2.0, 25.0))
@settings(max_examples=20, deadline=None)
def test_what_stood_and_starts_again_is_one(stood_s: float) -> None:
    before = drive(0.0, 3.0, (0.0, 0.0), (2.0, 0.0))
    after = drive(3.0 + stood_s, 6.0 + stood_s, (7.0, 0.0), (2.0, 0.0))
    elsewhere = drive(3.0 + stood_s, 6.0 + stood_s, (7.0, 40.0), (2.0, 0.0))
    back = drive(3.0 + stood_s, 6.0 + stood_s, (6.0, 0.0), (-3.9, 0.0))
    assert len(joined([of(1, before), of(2, after)])) == 1
    assert len(joined([of(1, before), of(2, elsewhere)])) == 2
    fast = drive(0.0, 3.0, (0.0, 0.0), (3.0, 0.0))
    assert len(joined([of(1, fast), of(2, back)])) == 2


def test_a_guess_at_the_end_is_cut_and_a_vehicle_behind_trees_is_not() -> None:
    path = drive(0.0, 4.0, (0.0, 0.0), (6.0, 0.0))
    late = np.array([5.0, 5.6])
    guessed = Path(np.append(path.times_s, late), np.vstack([path.xy_m, [[36.0, 12.0], [48.0, 18.0]]]))
    (cut,) = without_leaps([of(1, guessed)])
    assert cut.path is not None and cut.path.span_s == (0.0, 4.0)
    real = Path(np.append(path.times_s, late), np.vstack([path.xy_m, [[30.0, 0.5], [33.6, 0.5]]]))
    (kept,) = without_leaps([of(1, real)])
    assert kept.path is not None and kept.path.span_s == (0.0, 5.6)


def test_two_vehicles_that_share_a_number_are_two() -> None:
    first, second = drive(0.0, 3.0, (0.0, 0.0), (8.0, 0.0)), drive(3.8, 6.0, (24.0, 25.0), (0.0, 8.0))
    both = Path(np.append(first.times_s, second.times_s), np.vstack([first.xy_m, second.xy_m]))
    found = without_leaps([of(7, both)])
    assert [item.key for item in found] == ["track 7", "track 7.2"]
    assert all(item.properties["pieces"] == ["track 7"] for item in found)
    assert [len(item.path.times_s) for item in found if item.path] == [
        len(first.times_s),
        len(second.times_s),
    ]


CAMERA = np.array([0.0, 0.0, 80.0])


@pytest.fixture(scope="module")
def views() -> Views:
    """A camera that stands still 80 m above the origin of the town for 20 s."""
    lon, lat = geo_crs.to_lonlat(town.place(0.0, 0.0)[None], town.CRS)[0]
    x, y = town.place(-200.0, 200.0)
    matrix = np.array([[1.0, 0.0, x], [0.0, -1.0, y], [0.0, 0.0, 1.0]])
    frames = [
        Placement(
            index, index * 0.2, FrameStatus.LOCATED, 0.99, 0.5, matrix, town.SIZE,
            camera=CameraPosition(LonLat(lon, lat), CAMERA[2]),
        )
        for index in range(100)
    ]  # fmt: skip
    grid = Grid(town.CRS, town.CRS)
    table = frames_table(frames, grid, Provenance("clip.mp4", "by hand"), clip_path="clip.mp4")
    return views_of(table, "clip.mp4", town.CRS)


def seen_from_above(path: Path, level_m: float) -> Path:
    """A path on ground at a height, as it seems to one who takes the ground for level."""
    return Path(path.times_s, CAMERA[:2] + (path.xy_m - CAMERA[:2]) * CAMERA[2] / (CAMERA[2] - level_m))


def in_town(path: Path) -> Path:
    return Path(path.times_s, path.xy_m + town.ORIGIN)


@given(st.floats(-8.0, -5.0), st.sampled_from([-1.8, 1.8]))
@settings(max_examples=20, deadline=None)
def test_vehicles_on_a_low_road_are_moved_onto_it(views: Views, level_m: float, lane_m: float) -> None:
    road = Thing("road", Kind.ROAD, "Quay", "road", shapely.LineString(town.ORIGIN + [[-100, 90], [100, 90]]))
    there = drive(0.0, 8.0, (-40.0, 90.0 + lane_m), (9.0, 0.0))
    back = drive(2.0, 10.0, (40.0, 90.0 - lane_m), (-9.0, 0.0))
    tracks = [of(n, in_town(seen_from_above(path, level_m))) for n, path in enumerate((there, back))]
    for path, before, after in zip((there, back), tracks, levelled(tracks, [road], views), strict=True):
        assert before.path is not None and after.path is not None
        off = [
            np.abs(item.path.xy_m - town.ORIGIN - path.xy_m).max() for item in (before, after) if item.path
        ]
        assert off[1] < 2.5 < off[0]
        assert after.error_m > before.error_m


def test_what_drives_on_its_road_or_far_from_all_stays(views: Views) -> None:
    road = Thing("road", Kind.ROAD, "High", "road", shapely.LineString(town.ORIGIN + [[-100, 60], [100, 60]]))
    tracks = [
        of(n, in_town(drive(0.0, 8.0, (-40.0, y), (9.0, 0.0)))) for n, y in enumerate((61.8, 57.9, 85.0))
    ]
    across = of(3, in_town(drive(0.0, 8.0, (0.0, 20.0), (0.0, 9.0))))
    assert levelled([*tracks, across], [road], views) == [*tracks, across]
    assert levelled(tracks, [], views) == tracks


def test_what_moves_on_a_roof_or_behind_it_is_no_vehicle(views: Views) -> None:
    house = Thing(
        "h", Kind.OCCLUDER, "h", "building", town.box(30, -20, 50, 20), properties={"height_m": 40.0}
    )  # fmt: skip
    tree = Thing("t", Kind.OCCLUDER, "t", "tree", town.box(-50, -20, -30, 20), properties={"height_m": 10.0})
    on_roof = of(1, in_town(drive(0.0, 4.0, (35.0, -15.0), (2.0, 5.0))))
    behind = of(2, in_town(drive(0.0, 4.0, (54.0, -8.0), (0.0, 4.0))))
    before = of(3, in_town(drive(0.0, 4.0, (25.0, -15.0), (0.0, 7.0))))
    below = of(4, in_town(drive(0.0, 4.0, (-40.0, -15.0), (0.0, 7.0))))
    some = [on_roof, behind, before, below]
    assert without_roofs(some, Occluders((house, tree)), views) == [before, below]
    assert without_roofs(some, Occluders(()), views) == some


def test_without_cameras_or_tracks_nothing_is_mended(views: Views) -> None:
    unknown = dataclasses.replace(views, cameras_m=np.full_like(views.cameras_m, np.nan))
    road = Thing("road", Kind.ROAD, "Quay", "road", shapely.LineString(town.ORIGIN + [[-100, 90], [100, 90]]))
    house = Thing(
        "h", Kind.OCCLUDER, "h", "building", town.box(30, 40, 50, 60), properties={"height_m": 40.0}
    )  # fmt: skip
    beside = [of(1, in_town(drive(0.0, 8.0, (-40.0, 97.0), (9.0, 0.0))))]
    for some, seen in ((beside, unknown), ([], views)):
        assert levelled(some, [road], seen) == some
        assert without_roofs(some, Occluders((house,)), seen) == some
        assert joined(some) == some


def test_one_place_of_a_path_alone_is_too_little_to_have_been_in_a_zone() -> None:
    times = np.arange(0.0, 2.0, 0.25)
    xy = np.stack([np.full(len(times), 50.0), 10.0 * times], axis=1)
    zone = shapely.box(0.0, 0.0, 40.0, 40.0)
    jumped = xy.copy()
    jumped[3] = (20.0, 20.0)
    stayed = jumped.copy()
    stayed[4] = (21.0, 20.0)
    assert chance_inside(track(1, times, jumped), zone, None) < 0.01
    assert chance_inside(track(1, times, stayed), zone, None) > 0.99


def test_a_halt_at_a_line_is_a_stop_and_slow_driving_is_none() -> None:
    # Braked and sped up at 4 m/s² without any rest, as at a line where nobody comes.
    times = np.arange(0.0, 8.0 + 1e-9, STEP_S)
    way = np.sign(times - 4.0) * 2.0 * (times - 4.0) ** 2
    halted = np.stack([way, np.zeros_like(way)], axis=1)
    found = events(town.memory(), (track(1, times, halted),), "stop").value
    assert [event.time_s for event in found] == pytest.approx([4.0], abs=0.5)
    crept = np.stack([np.where(times < 4.0, 6.0 * times, 24.0 + 1.8 * (times - 4.0)), way * 0.0], axis=1)
    assert not events(town.memory(), (track(2, times, crept),), "stop").value


@pytest.mark.parametrize(("what", "slowing_mps2"), [("stop", 1.0), ("start", 2.0)])
def test_what_is_lost_while_it_brakes_stops_later_and_what_is_noticed_late_started_before(
    what: str, slowing_mps2: float
) -> None:
    """A tracker that sees motion loses a vehicle at 2 m/s, and finds one only once it goes."""
    times = np.arange(3.0, 7.0 + 1e-9, STEP_S)
    left_s = times[-1] - times + 2.0 / slowing_mps2
    way = -slowing_mps2 * left_s**2 / 2.0
    center = town.memory().views.centers_m[town.memory().views.nearest(7.0) or 0]
    xy = center + np.stack([way - way[-1], np.zeros_like(way)], axis=1)
    if what == "start":
        times, xy = (10.0 - times)[::-1], xy[::-1]
    (event,) = events(town.memory(), (track(1, times, xy),), what).value
    expected = times[-1] + 2.0 / slowing_mps2 if what == "stop" else times[0] - 2.0 / slowing_mps2
    assert event.time_s == pytest.approx(expected, abs=0.4)


def test_what_goes_on_briskly_where_it_is_lost_did_not_stop() -> None:
    center = town.memory().views.centers_m[town.memory().views.nearest(7.0) or 0]
    path = drive(3.0, 7.0, tuple(center), (6.0, 0.0))
    moved = dataclasses.replace(path, xy_m=path.xy_m - path.xy_m[-1] + center)
    for what in ("stop", "start"):
        assert not events(town.memory(), (of(1, moved),), what).value


def turning(*bends: tuple[float, float]) -> Thing:
    """A vehicle at 5 m/s that turns by 90° within a second and a half of each moment; left is positive."""
    times = np.arange(0.0, 12.0 + 1e-9, STEP_S)
    heading = np.zeros_like(times)
    for at, way in bends:
        heading += way * np.radians(90.0) * np.clip((times - at) / 1.5 + 0.5, 0.0, 1.0)
    steps = 5.0 * STEP_S * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return track(1, times, np.cumsum(steps, axis=0))


@pytest.mark.parametrize("apart_s", [2.0, 2.5, 3.0, 4.0])
def test_of_two_turns_soon_after_each_other_both_are_found(apart_s: float) -> None:
    """The heading is then what it was, and three seconds after a turn nothing tells of it."""
    there_and_back = turning((4.0, -1.0), (4.0 + apart_s, 1.0))
    (right,) = events(town.memory(), (there_and_back,), "turn right").value
    (left,) = events(town.memory(), (there_and_back,), "turn left").value
    assert [right.time_s, left.time_s] == pytest.approx([4.0, 4.0 + apart_s], abs=0.4)


def test_two_turns_the_same_way_are_two_and_a_straight_way_has_none() -> None:
    found = events(town.memory(), (turning((4.0, 1.0), (8.5, 1.0)),), "turn left").value
    assert [event.time_s for event in found] == pytest.approx([4.0, 8.5], abs=0.4)
    assert not events(town.memory(), (turning((4.0, 1.0)),), "turn right").value
    assert not events(town.memory(), (turning(),), "turn left").value
