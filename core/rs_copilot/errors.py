"""Every error that RS Copilot raises on purpose.

RsCopilotError
├── UsageError                  usage           wrong option or combination of options
├── BadInputError               bad-input       a file is not what it should be
│   ├── VideoError              bad-video       no video stream, undecodable, empty
│   ├── TelemetryError          bad-telemetry   no dialect fits, unknown units
│   ├── RasterError             bad-raster      not a raster, no bands, empty extent
│   │   └── MissingCrsError     missing-crs     no coordinate reference system
│   └── SceneError              bad-scene       not a scene, missing or foreign layer
├── MissingDependencyError      missing-dependency
├── ClusterError                cluster         no scheduler, or its workers were lost
├── StorageError                storage         disk full, no permission
├── OutOfMemoryError            out-of-memory   the work does not fit into this machine
├── CancelledError              cancelled       the user stopped the work
└── InternalError               internal        a bug: please report

``code`` never changes once released: the plugin, scripts and translations key on it.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_USAGE = 2
EXIT_BAD_INPUT = 3
EXIT_MISSING = 4
EXIT_INTERNAL = 5
EXIT_CANCELLED = 130


class RsCopilotError(Exception):
    """Base of all errors: what was found, what was expected, and what to do next.

    ``message`` states the first two, ``hint`` the third.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = EXIT_INTERNAL
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint

    def as_dict(self) -> dict[str, str]:
        """The error as the ``--json`` output and the worker protocol carry it."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(RsCopilotError):
    """An option, or a combination of options, that cannot work."""

    code = "usage"
    exit_code = EXIT_USAGE
    default_hint = "See `rs-copilot COMMAND --help`."


class BadInputError(RsCopilotError):
    """A file that exists but is not what it should be, or does not exist at all."""

    code = "bad-input"
    exit_code = EXIT_BAD_INPUT


class VideoError(BadInputError):
    """A clip without a video stream, undecodable, or empty."""

    code = "bad-video"


class TelemetryError(BadInputError):
    """Telemetry that fits no known dialect or uses unknown units."""

    code = "bad-telemetry"


class RasterError(BadInputError):
    """A raster that cannot be read, has no bands or no extent."""

    code = "bad-raster"


class MissingCrsError(RasterError):
    """A raster that does not say where on Earth it lies."""

    code = "missing-crs"
    default_hint = (
        "Assign the right CRS first, for example with gdal_edit.py -a_srs EPSG:32633 FILE, "
        "or in QGIS with Raster > Projections > Assign Projection."
    )


class SceneError(BadInputError):
    """A GeoPackage that is no scene, or lacks the layer that was asked for."""

    code = "bad-scene"


class MissingDependencyError(RsCopilotError):
    """A package, model or device that the work needs and this machine lacks."""

    code = "missing-dependency"
    exit_code = EXIT_MISSING


class ClusterError(RsCopilotError):
    """A cluster that was asked for does not answer, or lost the work."""

    code = "cluster"
    exit_code = EXIT_MISSING
    default_hint = (
        "Check that scheduler and workers run the same version of rs-copilot and see the same files."
    )


class StorageError(RsCopilotError):
    """Results could not be written: disk full, no permission, file locked."""

    code = "storage"
    exit_code = EXIT_BAD_INPUT
    default_hint = "Free some space or choose another output folder, then run again."


class OutOfMemoryError(RsCopilotError):
    """The work does not fit into this machine's memory."""

    code = "out-of-memory"
    default_hint = "Close other programs, or work on a smaller area or with fewer frames (--every)."


class CancelledError(RsCopilotError):
    """The user stopped the work; partial results were kept."""

    code = "cancelled"
    exit_code = EXIT_CANCELLED


class InternalError(RsCopilotError):
    """A bug in RS Copilot."""

    code = "internal"
    default_hint = "Please report this with the log."
