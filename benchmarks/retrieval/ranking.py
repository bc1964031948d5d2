"""What every method gives: for each query the numbers of its best tiles; and what counts as a hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.retrieval.queries import Query
from rs_copilot.evaluation.retrieval import RetrievalScore, first_hit, is_near
from rs_copilot.retrieval.table import TileTable

RANKS = (1, 5, 10)


@dataclass(frozen=True)
class Outcome:
    """How one method did on one group of queries."""

    method: str
    condition: str
    group: str
    score: RetrievalScore
    seconds: float


def rank_of(query: Query, tiles: TileTable, names: Sequence[str], found: Sequence[int]) -> int:
    """Rank of the first hit, from 1; 0: none. Rendered worlds share one place on Earth, so names decide."""
    near = is_near(tiles.center_xy_m, tiles.side_m, query.center_m)
    own = tiles.raster == (names.index(query.place) if query.place in names else -1)
    return first_hit(found[: RANKS[-1]], near & own)
