"""Compiled development of a picture: vignette, exposure, tone and saturation in one pass."""

from __future__ import annotations

import math

from rs_copilot.geo.compiling import compiled
from rs_copilot.types import Float32Array

VIGNETTE = 0.17
SATURATION = 1.12


@compiled
def develop(linear: Float32Array, table: Float32Array, exposure: float, out: Float32Array) -> None:
    """Linear light (H, W, 3) to values in [0, 1]; ``table`` is the tone curve over sqrt(light) / 2."""
    rows, cols, _ = linear.shape
    last = len(table) - 1
    for row in range(rows):
        y = (2.0 * row - rows) / cols
        for col in range(cols):
            x = (2.0 * col - cols) / cols
            gain = exposure * (1.0 - VIGNETTE * (x * x + y * y))
            r = table[min(last, int(math.sqrt(max(0.0, linear[row, col, 0] * gain)) * 0.5 * last))]
            g = table[min(last, int(math.sqrt(max(0.0, linear[row, col, 1] * gain)) * 0.5 * last))]
            b = table[min(last, int(math.sqrt(max(0.0, linear[row, col, 2] * gain)) * 0.5 * last))]
            grey = 0.30 * r + 0.59 * g + 0.11 * b
            out[row, col, 0] = min(1.0, max(0.0, grey + SATURATION * (r - grey)))
            out[row, col, 1] = min(1.0, max(0.0, grey + SATURATION * (g - grey)))
            out[row, col, 2] = min(1.0, max(0.0, grey + SATURATION * (b - grey)))
