"""The engine's exhaustive search over every raster: what retrieval has to replace on large maps.

It ranks places, not tiles: a peak within half of the tile side that suits the query is a hit. It is run
where attitude is known; each unknown heading would cost 36 times as much.
"""

from __future__ import annotations

import numpy as np

from benchmarks.retrieval.places import Place
from benchmarks.retrieval.queries import Query
from benchmarks.retrieval.ranking import RANKS
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.retrieve import nearest_side_m
from rs_copilot.localization.search import CoarseMap, search
from rs_copilot.raster.source import open_raster


def ranks_of_dense(queries: list[Query], places: list[Place], sides_m: list[float]) -> np.ndarray:
    """Rank of the first hit of each query, 0 where there is none among the best ten."""
    found: list[list[tuple[float, bool]]] = [[] for _ in queries]
    for place in places:
        with open_raster(place.raster) as source:
            info = source.info
            coarse = CoarseMap(Reference(source.read, info.bounds_m, info.gsd_m, info.metric_crs))
            for number, query in enumerate(queries):
                if info.gsd_m > query.told.width_m / 20:
                    continue
                reach = nearest_side_m(query.told, sides_m) / 2
                for item in search(query.image, [query.told], coarse, info.bounds_m, count=RANKS[-1]):
                    near = np.linalg.norm(item.center_xy_m - query.center_m) <= reach
                    found[number].append((item.peak, bool(near) and place.name == query.place))
    return np.array([_first([hit for _, hit in sorted(peaks, key=lambda p: -p[0])]) for peaks in found])


def _first(hits: list[bool]) -> int:
    return next((rank for rank, hit in enumerate(hits[: RANKS[-1]], 1) if hit), 0)
