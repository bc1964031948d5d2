"""From what operations say of their certainty to how often such answers are right."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from rs_copilot.types import FloatArray

# Made on development worlds by benchmarks/answer_confidence.py.
FITTED = Path(__file__).with_name("confidence.json")
# Nothing that was seen from the air is surer than this.
MOST = 0.99


@lru_cache(maxsize=1)
def read_fit() -> tuple[FloatArray, FloatArray]:
    """Stated certainties, rising, and the share of right answers at each."""
    found = json.loads(FITTED.read_text(encoding="utf-8"))
    return np.array(found["stated"], dtype=np.float64), np.array(found["right"], dtype=np.float64)


def calibrated(stated: float) -> float:
    """Probability that an answer is right of which the operations are so sure; rises with it."""
    certainties, shares = read_fit()
    return float(min(np.interp(stated, certainties, shares), MOST))
