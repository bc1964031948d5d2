"""Many paths as columns, so that a thousand of them are looked at in one go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rs_copilot.reasoning.things import Path
from rs_copilot.types import FloatArray


class Columns:
    """Paths one after another: ``times_s`` (N,), ``xy_m`` (N, 2); ``spans_s`` (P, 2) of each path."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.times_s = np.concatenate([path.times_s for path in paths] or [np.zeros(0)])
        self.xy_m = np.concatenate([path.xy_m for path in paths] or [np.zeros((0, 2))])
        counts = np.array([len(path.times_s) for path in paths], dtype=np.int64)
        self._last = np.cumsum(counts) - 1
        self._first = self._last - counts + 1
        self.spans_s = np.stack([self.times_s[self._first], self.times_s[self._last]], axis=1)
        # Times of each path lie above those of the path before, so that one search serves all.
        self._origin_s = float(self.times_s.min(initial=np.inf)) if len(paths) else 0.0
        self._stride_s = float(np.ptp(self.times_s)) + 1.0 if len(paths) else 1.0
        self._keys = self._key(np.repeat(np.arange(len(paths)), counts), self.times_s)

    def _key(self, path: NDArray[np.int64], times_s: FloatArray) -> FloatArray:
        return np.asarray(times_s - self._origin_s + path * self._stride_s)

    def places(self, path: NDArray[np.int64], times_s: FloatArray) -> FloatArray:
        """Places (..., 2) of paths by number at moments, both of one shape; at rest beyond their ends."""
        times_s = np.clip(times_s, self.spans_s[path, 0], self.spans_s[path, 1])
        after = np.searchsorted(self._keys, self._key(path, times_s), side="right")
        after = np.clip(after, self._first[path] + 1, self._last[path])
        before = np.maximum(after - 1, self._first[path])
        gap_s = self.times_s[after] - self.times_s[before]
        share = np.where(
            gap_s > 0.0, (times_s - self.times_s[before]) / np.where(gap_s > 0.0, gap_s, 1.0), 0.0
        )
        start = self.xy_m[before]
        return np.asarray(start + share[..., None] * (self.xy_m[after] - start))

    def evenly(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Moments (P, count) evenly over the span of every path, and its places (P, count, 2) then."""
        shares = np.linspace(0.0, 1.0, count)
        times_s = self.spans_s[:, :1] + shares * (self.spans_s[:, 1:] - self.spans_s[:, :1])
        numbers = np.broadcast_to(np.arange(len(times_s))[:, None], times_s.shape)
        return times_s, self.places(numbers, times_s)
