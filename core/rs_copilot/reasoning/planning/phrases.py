"""Turns of phrase that are kept as data."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

PHRASES = Path(__file__).with_name("phrases.json")


@lru_cache(maxsize=1)
def read_phrases() -> dict[str, Any]:
    """Turns of phrase by name."""
    found: dict[str, Any] = json.loads(PHRASES.read_text(encoding="utf-8"))
    return found


def phrase(name: str) -> str:
    """The pattern of a turn of phrase."""
    return str(read_phrases()["words"][name])


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a table of phrases: each has a pattern and what it means."""
    return list(read_phrases()[name])
