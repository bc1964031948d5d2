"""How inner loops become machine code.

Only modules that are themselves imported late may import this one: numba costs about a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba  # noqa: TID253 - every importer of this module is imported late

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile to machine code, kept on disk, free of the interpreter lock.

    No fast-math: the same input must give the same bytes on every machine of one kind.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


@compiled
def _nothing() -> int:
    return 0


# Numba loads half of itself at the first call, half a second in which all threads wait: better on import
# than in the middle of the work.
_nothing()
