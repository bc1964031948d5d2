"""Vehicles that follow lanes, keep their distance, wait at junctions; people that walk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rs_copilot.simulation import bodies
from rs_copilot.simulation.bodies import KINDS, PERSON, Rgb
from rs_copilot.simulation.paths import STEP_M, Crossing, Lanes, Path, vehicle_path, walk_path
from rs_copilot.simulation.world import World
from rs_copilot.types import FloatArray

STEP_S = 0.05
WARM_UP_S = 14.0
LABELS = ("car", "van", "truck", "bus")
LABEL_SHARES = (0.77, 0.12, 0.07, 0.04)
TRIES, VEHICLES = 900, 38
FAR_M = 1000.0
TURN_LASTS_S = 5.0


@dataclass(frozen=True)
class Mover:
    """One moving object over the clip, sampled every STEP_S from time 0."""

    track_id: int
    label: str
    color: Rgb
    xyz_m: FloatArray  # (T, 3)
    heading_rad: FloatArray  # (T,) unwrapped
    speed_mps: FloatArray  # (T,)
    turns: tuple[tuple[float, float], ...]  # (time, angle in degrees, left positive)

    def at(self, time_s: float) -> tuple[FloatArray, float, float]:
        """Position of the middle of its base, heading and speed."""
        s = float(np.clip(time_s / STEP_S, 0.0, len(self.speed_mps) - 1.001))
        i, w = int(s), s - int(s)
        blend = [a[i] + w * (a[i + 1] - a[i]) for a in (self.xyz_m, self.heading_rad, self.speed_mps)]
        return blend[0], float(blend[1]), float(blend[2])


@dataclass
class _Driver:
    """A vehicle while it is simulated."""

    label: str
    color: Rgb
    path: Path
    station_m: float
    speed_mps: float
    patience_s: float
    stopped_s: float = 0.0
    passed: int = 0
    waited: bool = False
    log: list[tuple[float, float, float, float]] = field(default_factory=list)
    turns: list[tuple[float, float]] = field(default_factory=list)

    @property
    def length_m(self) -> float:
        """Bumper to bumper."""
        return KINDS[self.label].length_m

    @property
    def crossing(self) -> Crossing | None:
        """The junction ahead or under the vehicle."""
        return self.path.crossings[self.passed] if self.passed < len(self.path.crossings) else None


@dataclass
class _Junction:
    """Serves one arm at a time, in the order in which the arms came to wait."""

    arm: int = -1
    since_s: float = -1e9
    granted: set[int] = field(default_factory=set)
    # Per arm: when it began to wait, and when it last asked.
    waiting: dict[int, tuple[float, float]] = field(default_factory=dict)

    def ask(self, number: int, arm: int, can_stop: bool, time_s: float) -> bool:
        """Whether the vehicle may drive in; once granted, it may until it is through."""
        began = self.waiting.get(arm, (time_s, time_s))
        self.waiting[arm] = (began[0] if time_s - began[1] < 0.5 else time_s, time_s)
        rivals = [
            start for other, (start, last) in self.waiting.items() if other != arm and time_s - last < 0.5
        ]
        if self.granted and arm == self.arm:
            allowed = not (rivals and can_stop and time_s - self.since_s > TURN_LASTS_S)
        else:
            allowed = not self.granted and all(self.waiting[arm][0] <= start for start in rivals)
        if allowed:
            self.since_s = self.since_s if self.granted else time_s
            self.arm = arm
            self.granted.add(number)
            self.waiting.pop(arm)
        return allowed


def simulate_traffic(
    world: World, focus_xy: FloatArray, seconds: float, rng: np.random.Generator
) -> list[Mover]:
    """Traffic around ``focus_xy`` (N, 2): what the camera looks at, evenly over the clip."""
    drivers = _spawn(world, focus_xy, seconds, rng)
    walkers = _walkers(world, focus_xy, rng)
    steps = int((seconds + 0.5) / STEP_S) + 2
    junctions: dict[int, _Junction] = {}
    for step in range(-int(WARM_UP_S / STEP_S), steps):
        time_s = step * STEP_S
        _advance(drivers, walkers, junctions, time_s)
        if step >= 0:
            for driver in drivers:
                xy = driver.path.at(driver.station_m)
                driver.log.append(
                    (*xy, driver.path.heading_rad(driver.station_m, 0.6 * driver.length_m), driver.speed_mps)
                )
    movers = [_mover(world, number, driver) for number, driver in enumerate(drivers, start=1)]
    return movers + [_walking(world, len(movers) + n, w, steps) for n, w in enumerate(walkers, start=1)]


def _spawn(world: World, focus_xy: FloatArray, seconds: float, rng: np.random.Generator) -> list[_Driver]:
    """Vehicles that will pass what the camera looks at, more of them on larger roads, none in another."""
    edges, lanes = world.network.edges, Lanes(world.network)
    drivers: list[_Driver] = []
    places: list[FloatArray] = []
    weights = np.array([_weight(e.points_xy, focus_xy, 230.0) * (1.0, 2.0, 3.0)[e.road_class] for e in edges])
    drive_m = 13.5 * (seconds + WARM_UP_S + 1.0)
    for _ in range(TRIES):
        index = int(rng.choice(len(edges), p=weights / weights.sum()))
        path = vehicle_path(lanes, index, bool(rng.random() < 0.5), rng, drive_m + 160.0)
        label = str(rng.choice(LABELS, p=LABEL_SHARES))
        color = bodies.CAR_COLORS[int(rng.choice(len(bodies.CAR_COLORS), p=bodies.COLOR_SHARES))]
        station = _start_station(path, focus_xy, seconds, rng)
        if station is None or station > path.length_m - drive_m:
            continue
        if any(np.linalg.norm(path.at(station) - place) < 15.0 for place in places):
            continue
        places.append(path.at(station))
        speed = 0.7 * float(path.allowed_mps[int(station)])
        driver = _Driver(label, color, path, station, speed, float(rng.uniform(1.0, 3.0)))
        driver.passed = sum(c.clear_m < station for c in path.crossings)
        drivers.append(driver)
        if len(drivers) == VEHICLES:
            break
    return drivers


def _weight(points_xy: FloatArray, focus_xy: FloatArray, reach_m: float) -> float:
    gap = float(np.linalg.norm(points_xy[:, None] - focus_xy[None], axis=2).min())
    return math.exp(-0.5 * (gap / reach_m) ** 2)


def _start_station(
    path: Path, focus_xy: FloatArray, seconds: float, rng: np.random.Generator
) -> float | None:
    """Where to begin so that the vehicle is about where the camera looks at some time of the clip."""
    moment = int(rng.integers(len(focus_xy)))
    gaps = np.linalg.norm(path.points_xy - focus_xy[moment], axis=1)
    near = np.flatnonzero(gaps < 55.0)
    if not len(near):
        return None
    driven = 8.0 * (WARM_UP_S + moment / len(focus_xy) * seconds)
    station = float(near[rng.integers(len(near))]) * STEP_M - driven
    return station if station >= 0.0 else None


def _walkers(world: World, focus_xy: FloatArray, rng: np.random.Generator) -> list[tuple[Path, Rgb, float]]:
    """People with their path, clothes and the time by which they are ahead."""
    edges = [e for e in world.network.edges if not e.bridge and e.name != "Quay Road"]
    weights = np.array([_weight(edge.points_xy, focus_xy, 50.0) for edge in edges])
    walkers = []
    for _ in range(34):
        edge = edges[int(rng.choice(len(edges), p=weights / weights.sum()))]
        path = walk_path(edge, float(rng.uniform(8.0, max(9.0, edge.stations_m[-1] - 8.0))), rng)
        walkers.append(
            (path, bodies.CLOTHES[int(rng.integers(len(bodies.CLOTHES)))], float(rng.uniform(0.0, 4.0)))
        )
    return walkers


def _walk_station(path: Path, ahead_s: float, time_s: float) -> float:
    """There and back along the path."""
    way = (max(time_s, 0.0) + ahead_s) * path.allowed_mps[0]
    lap = way % (2.0 * path.length_m)
    return float(min(lap, 2.0 * path.length_m - lap))


def _advance(
    drivers: list[_Driver],
    walkers: list[tuple[Path, Rgb, float]],
    junctions: dict[int, _Junction],
    time_s: float,
) -> None:
    """One step for everybody."""
    places = np.array([d.path.at(d.station_m) for d in drivers])
    headings = np.array([d.path.heading_rad(d.station_m, 2.0) for d in drivers])
    speeds = np.array([d.speed_mps for d in drivers])
    lengths = np.array([d.length_m for d in drivers])
    people = np.array([w[0].at(_walk_station(w[0], w[2], time_s)) for w in walkers])
    for number, driver in enumerate(drivers):
        gap, closing = _leader(number, places, headings, speeds, lengths)
        gap = min(gap, _person_ahead(places[number], headings[number], people) - driver.length_m / 2.0)
        line = _line_gap(number, driver, junctions, gap, time_s)
        if line < gap:
            gap, closing = line, driver.speed_mps
        _drive(driver, gap, closing, time_s)


def _leader(
    number: int, places: FloatArray, headings: FloatArray, speeds: FloatArray, lengths: FloatArray
) -> tuple[float, float]:
    """Free metres to the vehicle ahead, and how fast they shrink."""
    c, s = np.cos(headings[number]), np.sin(headings[number])
    offset = places - places[number]
    ahead, aside = c * offset[:, 0] + s * offset[:, 1], -s * offset[:, 0] + c * offset[:, 1]
    same_way = np.cos(headings - headings[number]) > 0.4
    found = (ahead > 0.1) & (ahead < 45.0) & (np.abs(aside) < 1.5 + 0.02 * ahead) & same_way
    if not found.any():
        return FAR_M, 0.0
    nearest = int(np.flatnonzero(found)[np.argmin(ahead[found])])
    return float(ahead[nearest] - 0.5 * (lengths[nearest] + lengths[number])), float(
        speeds[number] - speeds[nearest]
    )


def _person_ahead(place: FloatArray, heading: float, people: FloatArray) -> float:
    offset = people - place
    ahead = np.cos(heading) * offset[:, 0] + np.sin(heading) * offset[:, 1]
    aside = -np.sin(heading) * offset[:, 0] + np.cos(heading) * offset[:, 1]
    found = (ahead > 0.5) & (ahead < 22.0) & (np.abs(aside) < 1.7)
    return float(ahead[found].min()) if found.any() else FAR_M


def _line_gap(
    number: int, driver: _Driver, junctions: dict[int, _Junction], gap_m: float, time_s: float
) -> float:
    """Metres to the stop line if the junction ahead must be waited for, else far."""
    crossing = driver.crossing
    if crossing is None:
        return FAR_M
    junction = junctions.setdefault(crossing.node, _Junction())
    if driver.station_m - driver.length_m / 2.0 > crossing.clear_m:
        junction.granted.discard(number)
        driver.passed, driver.waited, driver.stopped_s = driver.passed + 1, False, 0.0
        return FAR_M
    distance = crossing.stop_m - driver.station_m - driver.length_m / 2.0
    if distance < -1.5 or distance > 32.0 or number in junction.granted:
        return FAR_M
    if crossing.must_stop and not driver.waited:
        driver.waited = driver.stopped_s >= driver.patience_s and distance < 4.0
        return max(distance, 0.1)
    if gap_m < distance:
        # Whoever is ahead asks first: a grant for a vehicle behind would block the junction.
        return max(distance, 0.1)
    can_stop = distance > driver.speed_mps**2 / 5.0 + 1.0
    return FAR_M if junction.ask(number, crossing.arm, can_stop, time_s) else max(distance, 0.1)


def _drive(driver: _Driver, gap_m: float, closing_mps: float, time_s: float) -> None:
    """Intelligent driver model (Treiber, Hennecke, Helbing 2000, eq. 2-3), then move."""
    wanted = max(
        0.5, float(driver.path.allowed_mps[min(int(driver.station_m), len(driver.path.allowed_mps) - 1)])
    )
    speed, comfort, accelerate = driver.speed_mps, 2.2, 1.9
    desired = 1.8 + max(0.0, 1.0 * speed + speed * closing_mps / (2.0 * math.sqrt(comfort * accelerate)))
    push = accelerate * (1.0 - (speed / wanted) ** 4 - (desired / max(gap_m, 0.3)) ** 2)
    driver.speed_mps = min(max(speed + STEP_S * min(max(push, -6.0), accelerate), 0.0), 20.0)
    driver.stopped_s = driver.stopped_s + STEP_S if driver.speed_mps < 0.3 else 0.0
    before = driver.station_m
    driver.station_m = min(before + STEP_S * driver.speed_mps, driver.path.length_m - 3.0)
    for crossing in driver.path.crossings:
        middle = 0.5 * (crossing.stop_m + 6.0 + crossing.clear_m)
        if before < middle <= driver.station_m and time_s >= 0.0:
            driver.turns.append((time_s, crossing.turn_deg))


def _mover(world: World, track_id: int, driver: _Driver) -> Mover:
    log = np.array(driver.log)
    xy, heading = log[:, :2], np.unwrap(log[:, 2])
    height = world.road_z(xy, _on_bridge(world, xy, driver))
    turns = tuple((t, a) for t, a in driver.turns if abs(a) > 35.0)
    return Mover(
        track_id, driver.label, driver.color, np.column_stack([xy, height]), heading, log[:, 3], turns
    )


def _on_bridge(
    world: World, xy: FloatArray, driver: _Driver
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """On the deck, unless the drive passes below it on the quay."""
    heading = np.array(driver.log)[:, 2]
    start, end = world.network.bridge.points_xy[[0, -1]]
    along = np.arctan2(*(end - start)[::-1])
    return np.asarray(world.network.is_on_deck(xy) & (np.abs(np.cos(heading - along)) > 0.7))


def _walking(world: World, track_id: int, walker: tuple[Path, Rgb, float], steps: int) -> Mover:
    path, color, ahead_s = walker
    stations = np.array([_walk_station(path, ahead_s, k * STEP_S) for k in range(steps)])
    xy = np.array([path.at(float(s)) for s in stations])
    back = np.gradient(stations) < 0.0
    heading = np.array([path.heading_rad(float(s), 1.0) for s in stations]) + np.pi * back
    speed = np.full(steps, path.allowed_mps[0])
    return Mover(
        track_id,
        PERSON.label,
        color,
        np.column_stack([xy, world.ground_z(xy)]),
        np.unwrap(heading),
        speed,
        (),
    )
