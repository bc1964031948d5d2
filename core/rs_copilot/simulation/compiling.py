"""Inner loops of the demo world on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

BAND_ROWS = 48


def over_rows(row_count: int, work: Callable[[int, int], object]) -> None:
    """Run ``work(first_row, end_row)`` over bands of rows on all cores.

    Threads of our own rather than numba's: its default scheduler ends the process when two Python
    threads enter it at once, and the engine's worker has several.
    """
    starts = range(0, row_count, BAND_ROWS)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done in [pool.submit(work, start, min(start + BAND_ROWS, row_count)) for start in starts]:
            done.result()
