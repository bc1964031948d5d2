"""What every method gives: for each query the numbers of its best tiles; and what counts as a hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.retrieval.queries import Query
from rs_copilot.retrieval.gallery import TileTable

RANKS = (1, 5, 10)
DRAWS = 2000


@dataclass(frozen=True)
class Outcome:
    """Ranks of the first hit by query, from 1; 0 where none is among the best ten."""

    method: str
    condition: str
    group: str
    ranks: np.ndarray
    seconds: float

    def recall(self, rank: int) -> float:
        """Share of queries with a hit up to that rank."""
        return float(self._hits(rank).mean())

    def interval(self, rank: int) -> tuple[float, float]:
        """95 % interval of the recall, by drawing queries again."""
        hits, rng = self._hits(rank), np.random.default_rng(0)
        means = hits[rng.integers(0, len(hits), (DRAWS, len(hits)))].mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        return float(low), float(high)

    def _hits(self, rank: int) -> np.ndarray:
        return (self.ranks > 0) & (self.ranks <= rank)


def first_hit(query: Query, tiles: TileTable, names: Sequence[str], found: Sequence[int]) -> int:
    """Rank of the first tile of the right raster whose centre is within half a side of the truth; 0: none."""
    for rank, tile in enumerate(found[: RANKS[-1]], 1):
        apart = np.linalg.norm(tiles.center_xy_m[tile] - query.center_m)
        if names[tiles.raster[tile]] == query.place and apart <= tiles.side_m[tile] / 2:
            return rank
    return 0
