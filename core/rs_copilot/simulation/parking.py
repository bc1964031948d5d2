"""Vehicles that stand still: in bays and along kerbs, at other places in each picture."""

from __future__ import annotations

import numpy as np

from rs_copilot.simulation import bodies
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.layout import oriented, point_on
from rs_copilot.simulation.network import Edge
from rs_copilot.simulation.surfaces import BAY_LENGTH_M, BAY_MODULE_M, BAY_WIDTH_M
from rs_copilot.simulation.world import World
from rs_copilot.types import FloatArray

Spot = tuple[FloatArray, float]


def parked_boxes(world: World, rng: np.random.Generator, share: float) -> list[FloatArray]:
    """Boxes of parked vehicles, one array per vehicle; ``share`` of all places is taken."""
    found = []
    for spot, heading in [*_bays(world), *_kerbs(world, rng)]:
        if rng.random() > share:
            continue
        label = "car" if rng.random() < 0.9 else "van"
        turn = heading + (np.pi if rng.random() < 0.5 else 0.0) + rng.normal(0.0, 0.02)
        color = bodies.CAR_COLORS[int(rng.choice(len(bodies.CAR_COLORS), p=bodies.COLOR_SHARES))]
        xy = spot + rng.normal(0.0, 0.15, 2)
        z = float(world.ground_z(xy[None])[0])
        found.append(bodies.body_boxes(label, np.array([*xy, z]), turn, color, 0))
    return found


def driving_boxes(world: World, rng: np.random.Generator, spacing_m: float) -> list[FloatArray]:
    """Vehicles on their lanes at one moment, about one per ``spacing_m`` of lane."""
    found = []
    for edge in world.network.edges:
        stations = edge.stations_m
        for side in (-1.0, 1.0):
            station = float(rng.uniform(0.0, 2.0 * spacing_m))
            while station < stations[-1]:
                point, normal = point_on(edge.points_xy, stations, station)
                found.append(
                    _driving(world, edge, point + side * 0.5 * edge.half_width_m * normal, side * normal, rng)
                )
                station += float(rng.uniform(0.3, 1.7)) * spacing_m
    return found


def _driving(
    world: World, edge: Edge, xy: FloatArray, outward: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """One vehicle in its lane. Traffic keeps right: the road's middle is on its left."""
    heading = float(np.arctan2(outward[0], -outward[1]))
    on_deck = world.network.is_on_deck(xy[None]) & np.array([edge.bridge])
    color = bodies.CAR_COLORS[int(rng.choice(len(bodies.CAR_COLORS), p=bodies.COLOR_SHARES))]
    label = str(rng.choice(["car", "van", "truck"], p=[0.8, 0.12, 0.08]))
    return bodies.body_boxes(
        label, np.array([*xy, float(world.road_z(xy[None], on_deck)[0])]), heading, color, 0
    )


def _bays(world: World) -> list[Spot]:
    """Middles of the bays that `surfaces.bay_paint` draws."""
    spots = []
    for row in world.field.regions[world.field.regions[:, f.KIND] == f.CAR_PARK].astype(np.float64):
        angle = float(np.arctan2(row[f.SIN], row[f.COS]))
        modules = int(2.0 * row[f.HALF_U] / BAY_MODULE_M + 0.25)
        across = [
            m * BAY_MODULE_M + side
            for m in range(modules)
            for side in (BAY_LENGTH_M / 2.0, BAY_MODULE_M - BAY_LENGTH_M / 2.0)
        ]
        for u in across:
            for v in np.arange(BAY_WIDTH_M / 2.0, 2.0 * row[f.HALF_V] - BAY_WIDTH_M / 2.0, BAY_WIDTH_M):
                uv = np.array([[u - row[f.HALF_U], v - row[f.HALF_V]]])
                spots.append((oriented(uv, row[[f.CX, f.CY]], angle)[0], angle))
    return spots


def _kerbs(world: World, rng: np.random.Generator) -> list[Spot]:
    """Places half on the pavement of quiet streets."""
    spots = []
    for edge in world.network.edges:
        if edge.road_class != 0:
            continue
        stations = edge.stations_m
        for station in np.arange(18.0, stations[-1] - 18.0, 7.0):
            point, normal = point_on(edge.points_xy, stations, float(station))
            side = 1.0 if rng.random() < 0.5 else -1.0
            if rng.random() < 0.35:
                heading = float(np.arctan2(-normal[0], normal[1]))
                spots.append((point + side * (edge.half_width_m + 0.35) * normal, heading))
    return spots
