"""Places along a path between the moments at which they are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rs_copilot.types import FloatArray


def places_at(
    times_s: FloatArray | Sequence[float], known_s: FloatArray | Sequence[float], places: FloatArray
) -> FloatArray:
    """Places ``(N, K)`` at some moments, between ``places`` ``(M, K)`` at ``known_s`` (M,), which rise.

    Before the first and after the last of them everything stands still.
    """
    return np.stack([np.interp(times_s, known_s, column) for column in places.T], axis=1)
