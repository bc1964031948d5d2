"""How the demo world's inner loops become machine code.

Only modules that are themselves imported late may import this one: numba costs about a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, cast

import numba  # noqa: TID253 - every importer of this module is imported late

P = ParamSpec("P")
R = TypeVar("R")
BAND_ROWS = 48


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile to machine code, kept on disk, free of the interpreter lock.

    No fast-math: the same seed must give the same bytes on every machine of one kind.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def over_rows(row_count: int, work: Callable[[int, int], object]) -> None:
    """Run ``work(first_row, end_row)`` over bands of rows on all cores.

    Threads of our own rather than numba's: its default scheduler ends the process when two Python
    threads enter it at once, and the engine's worker has several.
    """
    starts = range(0, row_count, BAND_ROWS)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done in [pool.submit(work, start, min(start + BAND_ROWS, row_count)) for start in starts]:
            done.result()
