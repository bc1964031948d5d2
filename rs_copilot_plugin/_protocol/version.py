"""Which conversations understand each other.

The version is ``MAJOR.MINOR``. A minor step adds messages, methods or fields that the other side may
ignore; a major step changes the meaning of something that exists.
"""

from __future__ import annotations

PROTOCOL_VERSION = "1.0"


def incompatibility(theirs: str, ours: str = PROTOCOL_VERSION) -> str | None:
    """Why two protocol versions cannot talk, or ``None`` where they can.

    >>> incompatibility("1.7", "1.0") is None
    True
    """
    if _major(theirs) is not None and _major(theirs) == _major(ours):
        return None
    return f"The engine speaks protocol {theirs or '(unknown)'}, the plugin speaks protocol {ours}."


def _major(version: str) -> int | None:
    head = version.split(".", 1)[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 6 else None
