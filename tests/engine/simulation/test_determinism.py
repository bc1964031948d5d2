"""The same seed gives the same bytes; another seed gives another town."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rs_copilot.simulation.settings import ClipSettings, SatelliteSettings, Settings, WorldSettings
from rs_copilot.types import SizeWH

SETTINGS = Settings(
    WorldSettings(seed=11, extent_m=300.0, cell_m=0.5),
    ClipSettings(seconds=1.0, fps=Fraction(2), size=SizeWH(160, 90)),
    SatelliteSettings(gsd_m=2.0),
)


def _render(settings: Settings) -> list[np.ndarray]:
    from rs_copilot.simulation.clip import rendered_frames
    from rs_copilot.simulation.satellite import satellite_image
    from rs_copilot.simulation.scenario import make_scenario

    scenario = make_scenario(settings)
    pictures = [frame.image for frame in rendered_frames(scenario)]
    return [
        *pictures,
        satellite_image(scenario),
        scenario.world.field.top,
        *(m.xyz_m for m in scenario.movers),
    ]


@pytest.fixture(scope="module")
def first() -> list[np.ndarray]:
    return _render(SETTINGS)


def test_same_settings_same_bytes(first: list[np.ndarray]) -> None:
    again = _render(SETTINGS)
    assert len(first) == len(again)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))


def test_other_seed_other_town(first: list[np.ndarray]) -> None:
    from rs_copilot.simulation.world import build_world

    other = build_world(replace(SETTINGS.world, seed=12))
    assert not np.array_equal(other.field.top, build_world(SETTINGS.world).field.top)
