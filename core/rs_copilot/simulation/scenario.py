"""One demo world, ready to be rendered: town, lights, flight, traffic, parked vehicles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.simulation.bodies import Crowd, body_boxes, bridge_boxes
from rs_copilot.simulation.fields import Light
from rs_copilot.simulation.flight import Flight, ground_hits, plan_flight
from rs_copilot.simulation.parking import driving_boxes, parked_boxes
from rs_copilot.simulation.season import SEASONS
from rs_copilot.simulation.settings import Settings
from rs_copilot.simulation.traffic import Mover, simulate_traffic
from rs_copilot.simulation.world import World, build_world, light_for
from rs_copilot.types import FloatArray

# Independent random streams, so that a longer clip does not change the town.
_FLIGHT, _TRAFFIC, _PARKED, _PARKED_SATELLITE, _TELEMETRY, _SENSOR, _SATELLITE = range(1, 8)
PARKED_SHARE, PARKED_SHARE_SATELLITE = 0.42, 0.33
SATELLITE_TRAFFIC_M = 110.0


@dataclass(frozen=True)
class Scenario:
    """Everything but the light and the pictures."""

    settings: Settings
    world: World
    flight: Flight
    movers: tuple[Mover, ...]
    still: tuple[FloatArray, ...]
    still_satellite: tuple[FloatArray, ...]

    def rng(self, stream: int, *more: int) -> np.random.Generator:
        """The random numbers of one purpose."""
        return np.random.default_rng([self.settings.world.seed, stream, *more])

    def sensor_rng(self, frame: int) -> np.random.Generator:
        """Noise of one frame."""
        return self.rng(_SENSOR, frame)

    @property
    def telemetry_rng(self) -> np.random.Generator:
        """Errors of the instruments."""
        return self.rng(_TELEMETRY)

    @property
    def satellite_rng(self) -> np.random.Generator:
        """Noise of the satellite image."""
        return self.rng(_SATELLITE)

    def clip_light(self) -> Light:
        """Sun and colours on the day of the flight."""
        return light_for(self.world, SEASONS[self.settings.clip.season])

    def crowd_at(self, time_s: float) -> Crowd:
        """The bridge, parked and moving objects at a moment of the clip; tags are track ids."""
        moving = []
        for mover in self.movers:
            xyz, heading, _ = mover.at(time_s)
            moving.append(body_boxes(mover.label, xyz, heading, mover.color, mover.track_id))
        return _crowd(self.world, self.still, moving, [m.track_id for m in self.movers])

    def satellite_crowd(self) -> Crowd:
        """The bridge and what stood on the streets on the other day."""
        return _crowd(self.world, self.still_satellite, [], [])


def _crowd(world: World, still: tuple[FloatArray, ...], moving: list[FloatArray], tags: list[int]) -> Crowd:
    groups = [*bridge_boxes(world)[:, None, :], *still, *moving]
    ends = np.cumsum([len(group) for group in groups])
    spans = tuple((int(end - len(group)), int(end)) for end, group in zip(ends, groups, strict=True))
    still_tags = [-1] * (len(groups) - len(moving))
    return Crowd(np.vstack(groups).astype(np.float32), spans, (*still_tags, *tags))


def make_scenario(settings: Settings) -> Scenario:
    """The scenario of the settings: the same settings, the same scenario."""
    world = build_world(settings.world)
    seed = settings.world.seed
    flight = plan_flight(world, settings.clip, np.random.default_rng([seed, _FLIGHT]))
    times = np.linspace(0.0, settings.clip.seconds, 60)
    middle = settings.clip.size.center_px[None]
    focus = np.vstack([ground_hits(world, flight.pose(float(t)), flight.intrinsics, middle) for t in times])[
        :, :2
    ]
    movers = simulate_traffic(world, focus, settings.clip.seconds, np.random.default_rng([seed, _TRAFFIC]))
    still = parked_boxes(world, np.random.default_rng([seed, _PARKED]), PARKED_SHARE)
    other_day = np.random.default_rng([seed, _PARKED_SATELLITE])
    other = parked_boxes(world, other_day, PARKED_SHARE_SATELLITE)
    other += driving_boxes(world, other_day, SATELLITE_TRAFFIC_M)
    return Scenario(settings, world, flight, tuple(movers), tuple(still), tuple(other))
