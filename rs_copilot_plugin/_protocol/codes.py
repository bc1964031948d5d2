"""The codes of errors that cross the border. They never change once released.

The first group comes from ``rs_copilot.errors`` (a test holds both lists equal); the second is about the
conversation itself and is made by the worker or by the plugin's session.
"""

from __future__ import annotations


class Code:
    """Names for the codes, so that no caller spells one by hand."""

    USAGE = "usage"
    BAD_INPUT = "bad-input"
    BAD_VIDEO = "bad-video"
    BAD_TELEMETRY = "bad-telemetry"
    BAD_RASTER = "bad-raster"
    MISSING_CRS = "missing-crs"
    BAD_SCENE = "bad-scene"
    MISSING_DEPENDENCY = "missing-dependency"
    CLUSTER = "cluster"
    STORAGE = "storage"
    CANCELLED = "cancelled"
    INTERNAL = "internal"

    OUT_OF_MEMORY = "out-of-memory"
    UNKNOWN_METHOD = "unknown-method"
    BAD_MESSAGE = "bad-message"
    VERSION_MISMATCH = "version-mismatch"
    ENGINE_DIED = "engine-died"
    ENGINE_NOT_STARTED = "engine-not-started"


ALL_CODES = frozenset(value for name, value in vars(Code).items() if name.isupper())
