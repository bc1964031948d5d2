"""What the user is told when something fails: a title per error code, what was found, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qgis.core import Qgis, QgsMessageLog
from qgis.gui import QgsMessageBar, QgsMessageBarItem
from qgis.PyQt.QtWidgets import QPushButton

from .engine.session import EngineError
from .presenters.locate import Lack
from .translate import tr

LOG_TAG = "RS Copilot"
_MAX_COUNTS = 8


@dataclass(frozen=True)
class Notice:
    """One message: ``text`` is a sentence or two, ``details`` is for the Details window."""

    title: str
    text: str
    details: str = ""
    level: Qgis.MessageLevel = Qgis.MessageLevel.Warning


def titles() -> dict[str, str]:
    """Title by error code; the codes are the engine's and never change."""
    return {
        "usage": tr("These options do not go together"),
        "bad-input": tr("This file cannot be used"),
        "bad-video": tr("This clip cannot be read"),
        "bad-telemetry": tr("This telemetry cannot be read"),
        "bad-raster": tr("This raster cannot be used"),
        "missing-crs": tr("The raster does not say where it lies"),
        "bad-scene": tr("This is no scene of RS Copilot"),
        "missing-dependency": tr("Something the engine needs is missing"),
        "cluster": tr("The cluster does not answer, or has lost the work"),
        "storage": tr("The result could not be written"),
        "cancelled": tr("Cancelled"),
        "internal": tr("Something went wrong inside RS Copilot"),
        "out-of-memory": tr("The engine ran out of memory"),
        "unknown-method": tr("The engine does not know this job"),
        "bad-message": tr("The engine cannot be understood"),
        "version-mismatch": tr("Plugin and engine do not fit together"),
        "engine-died": tr("The engine stopped unexpectedly"),
        "engine-not-started": tr("The engine could not be started"),
    }


# After these the work can go on where it stood; after others it would only fail again.
_BREAKS = frozenset({"cancelled", "engine-died", "out-of-memory", "storage", "cluster", "internal"})


def explain(error: EngineError, goes_on: bool = False) -> Notice:
    """Turn an `EngineError` into a notice; ``goes_on``: the same job would begin where this one broke off."""
    on = tr("Started again, the same search goes on where it stopped.")
    on = on if goes_on and error.code in _BREAKS else ""
    if error.is_cancelled:
        text = " ".join(part for part in (tr("What had been found is kept."), on) if part)
        return Notice(titles()["cancelled"], text, "", Qgis.MessageLevel.Info)
    text = " ".join(part for part in (error.message, error.hint, on) if part)
    return Notice(
        titles().get(error.code, titles()["internal"]), text, _details(error), Qgis.MessageLevel.Critical
    )


def _details(error: EngineError) -> str:
    lines = [f"code: {error.code}", f"message: {error.message}"]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    for key, value in error.details.items():
        text = str(value).rstrip()
        lines.append(f"\n{key}:\n{text}" if "\n" in text else f"{key}: {text}")
    return "\n".join(lines)


def method_title(method: str) -> str:
    """A job's name in the user's language."""
    return {
        "localize": tr("Locate"),
        "track": tr("Track"),
        "export": tr("Export"),
        "detect": tr("Find Objects"),
        "models.fetch": tr("Fetch Model"),
        "models.add": tr("Add Model"),
        "models.verify": tr("Verify Model"),
        "models.remove": tr("Remove Model"),
    }.get(method, method)


def success(method: str, title: str, result: dict[str, Any]) -> Notice:
    """What came out of a job. Frames that nobody could place are no success to cheer about."""
    told = {"localize": _located, "track": _tracked, "export": _exported, "detect": _detected}.get(method)
    text, notes = told(result) if told is not None else ("", [])
    notes = [*notes, *map(str, result.get("notes") or ()), *map(str, result.get("warnings") or ())]
    nothing = method == "localize" and not (result.get("located") or result.get("tracked"))
    nothing = nothing or (method == "detect" and not result.get("detections"))
    level = Qgis.MessageLevel.Warning if nothing else Qgis.MessageLevel.Success
    heading = tr("{} finished").format(method_title(method))
    return Notice(heading, ": ".join(part for part in (title, text) if part), "\n".join(notes), level)


def _located(result: dict[str, Any]) -> tuple[str, list[str]]:
    found, carried, lost = (result.get(key, 0) for key in ("located", "tracked", "unlocated"))
    if not found and not carried:
        hint = tr(
            "No frame could be placed; the search areas show where they may be. Is the clip inside this "
            "raster? Telemetry or a control point helps."
        )
        return hint, []
    text = tr("{} frames matched to the map, {} carried, {} unlocated").format(found, carried, lost)
    error_m = result.get("median_error_m")
    return (text if error_m is None else f"{text}, ±{error_m:.1f} m"), []


def _tracked(result: dict[str, Any]) -> tuple[str, list[str]]:
    count = sum(int(clip.get("tracks", 0)) for clip in result.get("clips") or ())
    return tr("{} moving objects").format(count), []


def _detected(result: dict[str, Any]) -> tuple[str, list[str]]:
    return found_text(result), []


def found_text(result: dict[str, Any]) -> str:
    """What a search found, where it looked and how long it took, in a line or two."""
    labels = sorted((result.get("labels") or {}).items(), key=lambda item: -item[1])
    counts = ", ".join(f"{count} {label}" for label, count in labels[:_MAX_COUNTS])
    counts += ", …" if len(labels) > _MAX_COUNTS else ""
    parts = [counts or tr("Nothing found"), _where_looked(result)]
    text = f"{' · '.join(parts)} · {float(result.get('seconds') or 0.0):.1f} s"
    if result.get("resumed"):
        text += "\n" + tr("{} tiles were known from a run that had been broken off.").format(
            result["resumed"]
        )
    if not counts:
        text += "\n" + _why_nothing(result)
    return text


def _where_looked(result: dict[str, Any]) -> str:
    if result.get("kind") != "raster":
        text = tr("{} frames, {} moving and {} standing objects")
        return text.format(*(result.get(key) or 0 for key in ("frames", "tracks", "standing")))
    text = tr("{} of {} tiles").format(result.get("tiles") or 0, result.get("tiles_of_raster") or 0)
    empty = result.get("empty")
    return f"{text}, {tr('{} of them without data').format(empty)}" if empty else text


def _why_nothing(result: dict[str, Any]) -> str:
    if result.get("kind") == "raster" and result.get("tiles") == result.get("empty"):
        return tr("All tiles that were looked at are without data.")
    return tr(
        "Try a lower score or other classes, and see whether the detector is made for what a pixel of this "
        "source is on the ground."
    )


def _exported(result: dict[str, Any]) -> tuple[str, list[str]]:
    renamed = result.get("renamed_fields") or {}
    notes = [tr("Field {} is called {} there.").format(old, new) for old, new in renamed.items()]
    return tr("{} rows written to {}").format(result.get("rows", "?"), result.get("out", "")), notes


def lack_text(lack: Lack) -> str:
    """What the user has to do before a job can start."""
    return {
        Lack.SATELLITE: tr("Choose a satellite raster first."),
        Lack.REMOTE_SATELLITE: tr(
            "This layer has no local file (WMS, XYZ or another service). Save the area you need with "
            "Export → Save As… and choose the saved raster."
        ),
        Lack.CLIPS: tr("Add at least one clip: a video, a picture, or a folder of pictures."),
        Lack.SCENE: tr("Locate a clip or open a scene first."),
        Lack.BUSY: tr("Wait for the running job, or cancel it."),
        Lack.NO_RASTER_FILE: tr(
            "Objects are found in files, or in GeoTIFFs on a server; this layer is a service (WMS, XYZ). "
            "Save the area you need with Export → Save As… and choose the saved raster."
        ),
        Lack.DETECTOR_GONE: tr("The file of this detector is not there any more. Choose another detector."),
        Lack.PHRASES: tr("Say what to look for: this detector needs words, with commas between."),
        Lack.NOTHING_MOVES: tr("Nothing moves in a raster. Choose a clip, or another detector."),
        Lack.SELECTION: tr("Select the polygons to look into first, in the layer that you have chosen here."),
        Lack.BESIDE: tr(
            "The satellite image has nothing there: move the map to it, or select polygons on it."
        ),
    }[lack]


def served_text() -> str:
    """What a raster on a server is good for."""
    return tr(
        "This raster lies on a server: objects can be found in it. To locate clips on it, save the area that "
        "you need with Export → Save As… and choose the saved raster."
    )


def push(bar: QgsMessageBar, notice: Notice, on_details: Callable[[Notice], None]) -> QgsMessageBarItem:
    """Show a notice in the message bar, with a Details button where there are details, and log it."""
    item = bar.createMessage(notice.title, notice.text)
    if notice.details:
        button = QPushButton(tr("Details"), item)
        button.clicked.connect(lambda: on_details(notice))
        item.layout().addWidget(button)
    seconds = 0 if notice.level == Qgis.MessageLevel.Critical else 8
    bar.pushWidget(item, notice.level, seconds)
    QgsMessageLog.logMessage(
        f"{notice.title}: {notice.text}\n{notice.details}".rstrip(), LOG_TAG, notice.level
    )
    return item
