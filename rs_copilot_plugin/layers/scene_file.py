"""Door to a scene file that needs neither QGIS nor the main thread: plain SQLite, read only.

GeoPackage is SQLite; the panel needs attributes, not geometry, and a task thread can read them while the
map draws.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from rs_copilot_plugin.presenters import projection
from rs_copilot_plugin.presenters.detections import MOTION_SOURCE, Detection, parse_box
from rs_copilot_plugin.presenters.frames import FrameRow

_FRAME_COLUMNS = [
    "frame",
    "time_s",
    "status",
    "reason",
    "error_m",
    "score",
    "yaw_deg",
    "gsd_m",
    "cam_lon",
    "cam_lat",
    "cam_alt_m",
    "homography",
    "metric_crs",
    "width_px",
    "height_px",
    "clip",
    "clip_path",
]
_DETECTION_COLUMNS = ("clip", "time_s", "box_px", "label", "track_id", "score", "source")
# Layers that are coloured by the class of their rows; what was found by its motion counts as of no class.
_LABELS_OF = {
    "detections": "SELECT DISTINCT CASE WHEN source IS 'motion' THEN '' ELSE label END FROM detections",
    "segments": "SELECT DISTINCT label FROM segments",
}
_ANSWER_COLUMNS = (
    "question", "task", "answer", "confidence", "abstained", "reason", "evidence", "clip", "created_at",
)  # fmt: skip
# Scenes of earlier versions lack these; the lists among them are JSON.
_LATER_ANSWER_COLUMNS = ("settle", "understood", "missed", "planner", "program", "notes")
_ANSWER_LISTS = ("evidence", "missed", "notes")
_CORRECTION_COLUMNS = ("number", "kind", "things", "label", "clip", "created_at")
# A scene may hold thousands of answers of other users; the panel shows the latest.
MAX_ANSWERS = 200
_BUSY_TIMEOUT_S = 2.0


class SceneFileError(Exception):
    """The file is no scene, or cannot be read now."""


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
    except sqlite3.Error as error:
        raise SceneFileError(f"{path.name} cannot be read as a scene: {error}") from error


def _columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Names of a table's columns; empty where there is no such table."""
    return {row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def read_layer_names(path: Path) -> list[str]:
    """Tables of a scene that hold at least one row.

    Raises:
        SceneFileError: not a GeoPackage, or locked.
    """
    with _open(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT table_name FROM gpkg_contents")]
        quoted = [(name, '"' + name.replace('"', '""') + '"') for name in tables]
        return [name for name, table in quoted if _has_rows(connection, table)]


def _has_rows(connection: sqlite3.Connection, quoted_table: str) -> bool:
    # The name comes from the file's own catalogue and is quoted; SQLite cannot bind identifiers.
    query = f"SELECT 1 FROM {quoted_table} LIMIT 1"  # noqa: S608  # nosec B608
    return connection.execute(query).fetchone() is not None


def read_frames(path: Path) -> dict[str, list[FrameRow]]:
    """Rows of the ``frames`` layer by clip path (by clip name where the path is not recorded).

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        present = _columns_of(connection, "frames")
        if not {"time_s", "status"} <= present:
            raise SceneFileError(f"{path.name} has no frames layer; it is not a scene of RS Copilot.")
        columns = ", ".join(name if name in present else f"NULL AS {name}" for name in _FRAME_COLUMNS)
        # Only the fixed names above enter the text.
        query = f"SELECT {columns} FROM frames ORDER BY time_s"  # noqa: S608  # nosec B608
        rows: dict[str, list[FrameRow]] = {}
        for record in connection.execute(query):
            rows.setdefault(record["clip_path"] or record["clip"] or "", []).append(_frame_row(record))
        return rows


def read_detections(path: Path) -> dict[str, list[Detection]]:
    """Rows of the ``detections`` layer by clip name; empty where the scene has none.

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        present = _columns_of(connection, "detections")
        found: dict[str, list[Detection]] = {}
        if not set(_DETECTION_COLUMNS) <= present:
            return found
        # Only the fixed names above enter the text.
        columns = ", ".join(_DETECTION_COLUMNS)
        query = f"SELECT rowid AS id, {columns} FROM detections WHERE time_s IS NOT NULL"  # noqa: S608  # nosec B608
        for record in connection.execute(query):
            made = _detection(record)
            if made is not None:
                found.setdefault(record["clip"] or "", []).append(made)
        return found


def read_answers(path: Path) -> list[dict[str, Any]]:
    """The latest rows of the ``answers`` layer, oldest first; ``fid`` is their number, JSON is read.

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        present = _columns_of(connection, "answers")
        if not set(_ANSWER_COLUMNS) <= present:
            return []
        # Only the fixed names above enter the text.
        later = (name if name in present else f"NULL AS {name}" for name in _LATER_ANSWER_COLUMNS)
        columns = ", ".join([*_ANSWER_COLUMNS, *later])
        query = f"SELECT rowid AS fid, {columns} FROM answers ORDER BY rowid DESC LIMIT {MAX_ANSWERS}"  # noqa: S608  # nosec B608
        rows = [dict(record) for record in connection.execute(query)]
    for row in rows:
        row.update({name: _json(row[name], list) or [] for name in _ANSWER_LISTS})
        row["program"] = _json(row["program"], dict)
    return rows[::-1]


def read_corrections(path: Path) -> list[dict[str, Any]]:
    """The rows of the layer ``corrections`` without what was there before them, oldest first.

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        present = _columns_of(connection, "corrections")
        if not set(_CORRECTION_COLUMNS) <= present:
            return []
        columns = ", ".join(_CORRECTION_COLUMNS)
        query = f"SELECT {columns} FROM corrections ORDER BY created_at, number"  # noqa: S608  # nosec B608
        return [dict(record) for record in connection.execute(query)]


def read_changing_runs(path: Path) -> list[dict[str, Any]]:
    """What was run that may change answers: ``command``, ``created_at`` and ``parameters`` of its note.

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        present = _columns_of(connection, "runs")
        if not {"command", "parameters", "created_at"} <= present:
            return []
        query = (
            "SELECT command, created_at, parameters FROM runs "
            "WHERE command IN ('localize', 'track', 'detect', 'correct')"
        )
        return [dict(record) for record in connection.execute(query)]


def read_counts(path: Path) -> dict[str, int]:
    """How many rows each table of the scene has, in the order of its catalogue.

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT table_name FROM gpkg_contents")]
        quoted = [(name, '"' + name.replace('"', '""') + '"') for name in tables]
        # The name comes from the file's own catalogue and is quoted; SQLite cannot bind identifiers.
        return {
            name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # nosec B608
            for name, table in quoted
        }


def _json(text: object, kind: type) -> Any:  # noqa: ANN401 - of that kind, or None
    try:
        found = json.loads(str(text or "null"))
    except ValueError:
        return None
    return found if isinstance(found, kind) else None


def read_labels(path: Path) -> dict[str, list[str]]:
    """Classes that occur in the layers that are coloured by them, in alphabetical order.

    Raises:
        SceneFileError: not a scene, or locked.
    """
    with _open(path) as connection:
        tables = {row[0] for row in connection.execute("SELECT table_name FROM gpkg_contents")}
        return {
            name: sorted({str(row[0] or "") for row in connection.execute(query)})
            for name, query in _LABELS_OF.items()
            if name in tables
        }


def _detection(record: sqlite3.Row) -> Detection | None:
    box = parse_box(record["box_px"])
    if box is None:
        return None
    score = None if record["source"] == MOTION_SOURCE else _number(record["score"])
    return Detection(
        float(record["time_s"]), box, str(record["label"] or ""), record["track_id"], record["id"], score
    )


def _frame_row(record: sqlite3.Row) -> FrameRow:
    width, height = int(record["width_px"] or 0), int(record["height_px"] or 0)
    camera = (record["cam_lon"], record["cam_lat"])
    return FrameRow(
        frame=int(record["frame"] or 0),
        time_s=float(record["time_s"] or 0.0),
        status=str(record["status"] or "unlocated"),
        reason=str(record["reason"] or ""),
        error_m=_number(record["error_m"]),
        score=_number(record["score"]),
        yaw_deg=_number(record["yaw_deg"]),
        gsd_m=_number(record["gsd_m"]),
        cam_lonlat=None if None in camera else (float(camera[0]), float(camera[1])),
        cam_alt_m=_number(record["cam_alt_m"]),
        width_px=width,
        height_px=height,
        map_from_px=projection.parse(record["homography"], width, height),
        metric_crs=str(record["metric_crs"] or ""),
    )


def _number(value: object) -> float | None:
    # NaN reaches QGIS as an endless extent; treat it as unknown.
    return float(value) if isinstance(value, (int, float)) and not math.isnan(value) else None
