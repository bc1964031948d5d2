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


def explain(error: EngineError) -> Notice:
    """Turn an `EngineError` into a notice."""
    text = " ".join(part for part in (error.message, error.hint) if part)
    if error.is_cancelled:
        return Notice(titles()["cancelled"], tr("What had been found is kept."), "", Qgis.MessageLevel.Info)
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
    return {"localize": tr("Locate"), "track": tr("Track"), "export": tr("Export")}.get(method, method)


def success(method: str, title: str, result: dict[str, Any]) -> Notice:
    """What came out of a job. Frames that nobody could place are no success to cheer about."""
    told = {"localize": _located, "track": _tracked, "export": _exported}.get(method)
    text, notes = told(result) if told is not None else ("", [])
    notes = [*notes, *map(str, result.get("notes") or ()), *map(str, result.get("warnings") or ())]
    nothing = method == "localize" and not (result.get("located") or result.get("tracked"))
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
    }[lack]


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
