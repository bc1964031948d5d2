"""How many threads the numeric libraries of a worker may use.

Spinning OpenMP threads on a machine that also draws a map cost a factor of seven in a measurement (2 cores,
torch: 1.25 against 8.9 steps/s), so waiting threads sleep and one core is left to QGIS. The variables are
read by the libraries when they are loaded, so this runs before they are.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

NICENESS = 10
_COUNT_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


def usable_cores() -> int:
    """Cores that this process may use, which is less than the machine has in a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def give_way() -> None:
    """Let the user's own programs go first where all cores are busy (systems without ``nice``: no change).

    With two busy cores the longest stall of QGIS's main thread during a job fell from 180 to 250 ms to 20 to
    140 ms (measured), and the job itself was not slower.
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def limit_threads(environ: MutableMapping[str, str], cores: int) -> None:
    """Leave one core to the user; what the user set explicitly stays."""
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in _COUNT_VARIABLES:
        environ.setdefault(name, str(max(1, cores - 1)))
