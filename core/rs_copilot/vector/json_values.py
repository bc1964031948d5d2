"""Values as JSON and SQL can hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def finite(value: object) -> Any:  # noqa: ANN401 mirrors its argument
    """The same value as JSON and SQL can hold it: NaN and infinities become ``None``, arrays lists."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, (list, tuple, set)):
        return [finite(item) for item in value]
    if isinstance(value, np.generic):
        return finite(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(value: object) -> str:
    """Compact JSON without NaN; what JSON does not know is written as text."""
    return json.dumps(finite(value), allow_nan=False, ensure_ascii=False, default=str, separators=(",", ":"))
