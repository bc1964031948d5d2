"""The doors to a scene: create, append, replace, read. A ``postgresql://`` URL goes to `postgis`.

A new scene has all layers, empty, so that QGIS can load them before the first row. Rows go in through SQLite
itself, because that alone gives deletion, several layers in one transaction, and M values. The rollback
journal stays on (not WAL): between transactions the scene is one plain file that can be copied, and QGIS
opens such files without locks. A writer waits for readers up to `BUSY_TIMEOUT_S`.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from rs_copilot.errors import SceneError, StorageError
from rs_copilot.vector import gpkg_blob, gpkg_rows, gpkg_tables, postgis
from rs_copilot.vector.gpkg_tables import GEOMETRY_COLUMN, VERSION_KEY
from rs_copilot.vector.schema import (
    LATER_LAYERS,
    LAYER_BY_NAME,
    LAYERS,
    SCHEMA_VERSION,
    Field,
    FieldType,
    GeometryType,
    Layer,
)

BUSY_TIMEOUT_S = 30.0
_HINT_NOT_SCENE = "Give a scene that `rs-copilot localize` wrote, or a new file name."


@dataclass(frozen=True)
class SceneInfo:
    """What kind of scene a file is."""

    path: str
    crs: pyproj.CRS
    version: int
    clips: tuple[str, ...]


def create_scene(path: str | Path, crs: pyproj.CRS, *, overwrite: bool = False) -> None:
    """Write a new scene with all layers, empty; the file appears whole or not at all.

    Raises:
        SceneError: the file exists and is no scene, or is one and ``overwrite`` is off.
        StorageError: the disk is full or the folder cannot be written.
    """
    if postgis.is_database(path):
        postgis.create_scene(str(path), crs, overwrite=overwrite)
        return
    target = Path(path)
    if target.exists():
        read_scene_info(target)
        if not overwrite:
            raise SceneError(f"{target} exists already", hint="Choose another name, or overwrite it.")
    with _storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".rs-copilot-", dir=target.parent) as folder:
            draft = Path(folder) / "scene.gpkg"
            gpkg_tables.write_empty(draft, crs)
            draft.replace(target)


def ensure_scene(path: str | Path, crs: pyproj.CRS) -> None:
    """Create the scene where there is none; accept one in the same CRS.

    Raises:
        SceneError: the file is no scene, or one in another CRS.
        StorageError: the file cannot be written.
    """
    exists = postgis.has_schema(str(path)) if postgis.is_database(path) else Path(path).exists()
    if not exists:
        create_scene(path, crs)
        return
    found = read_scene_info(path).crs
    if found != crs and not found.equals(crs, ignore_axis_order=True):
        raise SceneError(
            f"{path} is in {found.name}, but this raster is in {crs.name}",
            hint="A scene belongs to one satellite raster: write to a new scene.",
        )


def append_layer(path: str | Path, layer: str, table: gpd.GeoDataFrame) -> list[int]:
    """Add rows to one layer in one transaction, and give their ``fid``; see `write_layers`."""
    return write_layers(path, {layer: table})[layer]


def replace_clip(path: str | Path, layer: str, clip: str, table: gpd.GeoDataFrame) -> None:
    """Swap all rows of one clip in one layer, in one transaction; see `write_layers`."""
    write_layers(path, {layer: table}, replace_clip=clip)


def write_layers(
    path: str | Path,
    tables: Mapping[str, gpd.GeoDataFrame],
    *,
    replace_clip: str | None = None,
    replace_method: str | None = None,
) -> dict[str, list[int]]:
    """Add rows to several layers; all arrive or none. Gives their ``fid``, layer by layer.

    ``replace_clip`` first removes that clip's rows, with ``replace_method`` only those made that way.

    Raises:
        SceneError: the file is no scene, or a layer is unknown.
        StorageError: disk full, no permission, or locked by another program; the scene is as before.
    """
    layers = {name: _layer(name) for name in tables}
    if postgis.is_database(path):
        both = {name: (layers[name], table) for name, table in tables.items()}
        return postgis.write_layers(str(path), both, replace_clip, replace_method)
    fids = {}
    with _transaction(Path(path)) as connection:
        for name, table in tables.items():
            _add_what_is_new(connection, layers[name])
            if replace_clip is not None:
                delete = f'DELETE FROM "{name}" WHERE clip = ? AND method = coalesce(?, method)'  # noqa: S608  # nosec B608 - names are the schema's
                connection.execute(delete, (replace_clip, replace_method))
            fids[name] = gpkg_rows.insert_rows(connection, layers[name], table)
            _refresh_contents(connection, layers[name], table if replace_clip is None else None)
    return fids


def remove_rows(path: str | Path, layer: str, fids: Sequence[int]) -> int:
    """Remove rows of one layer by their ``fid``; gives how many there were.

    Raises:
        SceneError: the file is no scene, or the layer is unknown.
        StorageError: no permission, or locked by another program; the scene is as before.
    """
    known = _layer(layer)
    if postgis.is_database(path):
        return postgis.remove_rows(str(path), known, fids)
    with _transaction(Path(path)) as connection:
        delete = f'DELETE FROM "{layer}" WHERE fid = ?'  # noqa: S608  # nosec B608 - a name of the schema
        if not _columns(connection, known):
            return 0
        removed = sum(connection.execute(delete, (int(fid),)).rowcount for fid in fids)
        _refresh_contents(connection, known)
    return removed


def _layer(name: str) -> Layer:
    if name not in LAYER_BY_NAME:
        raise SceneError(
            f"a scene has no layer {name!r}", hint=f"Its layers are: {', '.join(LAYER_BY_NAME)}."
        )
    return LAYER_BY_NAME[name]


def _columns(connection: sqlite3.Connection, layer: Layer) -> set[str]:
    return {row[1] for row in connection.execute(f'PRAGMA table_info("{layer.name}")')}


def _add_what_is_new(connection: sqlite3.Connection, layer: Layer) -> None:
    """Give a scene of an earlier version the layer, or the fields of it, that came since."""
    known = _columns(connection, layer)
    if not known:
        gpkg_tables.create_layer(connection, layer, gpkg_rows.srs_id_of(connection, "frames"))
        return
    for item in layer.fields:
        if item.name not in known:
            kind = gpkg_tables.SQL_TYPE[item.type]
            connection.execute(f'ALTER TABLE "{layer.name}" ADD COLUMN "{item.name}" {kind}')


def _refresh_contents(
    connection: sqlite3.Connection, layer: Layer, added: gpd.GeoDataFrame | None = None
) -> None:
    """Keep the extent that QGIS zooms to and the time of the last change.

    With the rows that were ``added`` the extent grows by them; without, the whole index is looked through.
    """
    extent: tuple[float | None, ...] = (None,) * 4
    if layer.geometry is not GeometryType.NONE:
        extent = _grown(connection, layer, added) or _whole_extent(connection, layer)
    connection.execute(
        "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?, "
        "last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE table_name = ?",
        (*extent, layer.name),
    )


def _whole_extent(connection: sqlite3.Connection, layer: Layer) -> tuple[float | None, ...]:
    tree = f"rtree_{layer.name}_{GEOMETRY_COLUMN}"
    query = f'SELECT min(minx), min(miny), max(maxx), max(maxy) FROM "{tree}"'  # noqa: S608  # nosec B608 - as above
    found: tuple[float | None, ...] = connection.execute(query).fetchone()
    return found


def _grown(
    connection: sqlite3.Connection, layer: Layer, added: gpd.GeoDataFrame | None
) -> tuple[float, ...] | None:
    """The extent that is noted with new rows; ``None`` where one of the two is not known."""
    query = "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?"
    noted = connection.execute(query, (layer.name,)).fetchone()
    if added is None or None in noted:
        return None
    own = added.total_bounds
    if not np.isfinite(own).all():
        return None
    return (*np.minimum(noted[:2], own[:2]).tolist(), *np.maximum(noted[2:], own[2:]).tolist())


def read_scene_info(path: str | Path) -> SceneInfo:
    """Check that a file is a scene and say which.

    Raises:
        SceneError: it does not exist, is no GeoPackage, no scene, or from a later version.
    """
    if postgis.is_database(path):
        crs, version, names = postgis.read_info(str(path))
        return SceneInfo(str(path), crs, version, names)
    with _reading(Path(path)) as connection:
        version = _check_whole(connection)
        clips = connection.execute("SELECT DISTINCT clip FROM frames WHERE clip IS NOT NULL ORDER BY clip")
        return SceneInfo(str(path), _read_crs(connection), version, tuple(row[0] for row in clips))


def read_layer(
    path: str | Path,
    layer: str,
    *,
    clip: str | None = None,
    without: str | None = None,
    fields: Collection[str] | None = None,
) -> gpd.GeoDataFrame:
    """All rows of a layer, or those of one clip; indexed by ``fid``, geometry in the scene's CRS.

    ``without`` names a field: rows that have a value there are left out. With ``fields`` only these are read,
    which is faster.

    Raises:
        SceneError: no scene, or no such layer.
    """
    wanted = _layer(layer)
    chosen = [item for item in wanted.fields if fields is None or item.name in {*fields, without}]
    if postgis.is_database(path):
        rows, crs = postgis.read_rows(str(path), wanted, clip, [item.name for item in chosen])
        table = _assembled(rows, wanted, chosen, crs, _from_wkb)
        return table if without is None else table[table[without].isna()]
    with _reading(Path(path)) as connection:
        _check_whole(connection)
        names = ["fid", *(item.name for item in chosen)]
        if wanted.geometry is not GeometryType.NONE:
            names.append(GEOMETRY_COLUMN)
        known = _columns(connection, wanted)
        if not known:
            return _assembled([], wanted, chosen, _read_crs(connection), gpkg_blob.decode_all)
        # A scene of an earlier version lacks what later ones know: it reads as unknown.
        columns = ", ".join(f'"{name}"' if name in known else f'NULL AS "{name}"' for name in names)
        wishes = [] if clip is None else ["clip = ?"]
        wishes += [] if without is None or without not in known else [f'"{without}" IS NULL']
        where, values = " WHERE " * bool(wishes) + " AND ".join(wishes), () if clip is None else (clip,)
        query = f'SELECT {columns} FROM "{wanted.name}"{where} ORDER BY fid'  # noqa: S608  # nosec B608 - as above
        rows = connection.execute(query, values).fetchall()
        crs = _read_crs(connection)
    return _assembled(rows, wanted, chosen, crs, gpkg_blob.decode_all)


def _assembled(
    rows: Sequence[tuple[Any, ...]],
    wanted: Layer,
    chosen: Sequence[Field],
    crs: pyproj.CRS,
    decode: Callable[[Sequence[bytes | None]], NDArray[Any]],
) -> gpd.GeoDataFrame:
    """A table from rows of fid, chosen fields and, where the layer has one, the encoded geometry."""
    has_geometry = wanted.geometry is not GeometryType.NONE
    names = ["fid", *(item.name for item in chosen), *([GEOMETRY_COLUMN] if has_geometry else [])]
    frame = pd.DataFrame(rows, columns=names, dtype="object").set_index("fid")
    blobs = frame.pop(GEOMETRY_COLUMN).tolist() if has_geometry else [None] * len(frame)
    geometry = gpd.GeoSeries(decode(blobs), index=frame.index, crs=crs)
    typed = {item.name: _typed(frame[item.name], item.type) for item in chosen}
    return gpd.GeoDataFrame(typed, geometry=geometry, crs=crs)


def _from_wkb(blobs: Sequence[bytes | None]) -> NDArray[Any]:
    return np.asarray(shapely.from_wkb(np.array([*blobs, None], dtype=object)[:-1]))


def _typed(column: pd.Series, kind: FieldType) -> pd.Series:
    if kind is FieldType.TEXT:
        return column
    if kind is FieldType.DATETIME:
        return pd.to_datetime(column, utc=True, format="ISO8601").dt.as_unit("ms")
    return column.astype({"real": "float64", "integer": "Int64", "boolean": "boolean"}[kind.value])


def _read_crs(connection: sqlite3.Connection) -> pyproj.CRS:
    query = (
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys "
        "JOIN gpkg_geometry_columns USING (srs_id) WHERE table_name = 'frames'"
    )
    organization, code, definition = connection.execute(query).fetchone()
    if str(organization).upper() == "EPSG":
        return pyproj.CRS.from_epsg(int(code))
    return pyproj.CRS.from_wkt(definition)


def _check_whole(connection: sqlite3.Connection) -> int:
    """The schema version of an open scene."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    missing = [layer.name for layer in LAYERS if layer.name not in tables | LATER_LAYERS]
    if missing or "gpkg_metadata" not in tables:
        raise SceneError(
            f"the file is no RS Copilot scene: it lacks {', '.join(missing) or 'its version'}",
            hint=_HINT_NOT_SCENE,
        )
    query = "SELECT metadata FROM gpkg_metadata WHERE metadata LIKE ?"
    found = connection.execute(query, (f"%{VERSION_KEY}%",)).fetchone()
    version = int(found[0].split(f'key="{VERSION_KEY}">')[1].split("<")[0]) if found else 0
    if not 1 <= version <= SCHEMA_VERSION:
        raise SceneError(
            f"the scene has schema version {version}, expected 1 to {SCHEMA_VERSION}",
            hint="Update RS Copilot, or locate the clip again into a new scene.",
        )
    return version


def _connect(path: Path) -> sqlite3.Connection:
    # Reading opens for writing too: only then can SQLite roll back what a killed writer left behind.
    mode = "rw" if os.access(path, os.W_OK) else "ro"
    uri = f"file:{quote(str(path.resolve()))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.create_function("ST_IsEmpty", 1, gpkg_blob.is_empty, deterministic=True)
    for which, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, partial(gpkg_blob.bound, which=which), deterministic=True)
    return connection


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise SceneError(f"there is no scene {path}", hint=_HINT_NOT_SCENE)
    with _storage_errors(path), closing(_connect(path)) as connection:
        yield connection


@contextmanager
def _transaction(path: Path) -> Iterator[sqlite3.Connection]:
    with _reading(path) as connection:
        _check_whole(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            # After an error SQLite may have rolled back already, for example on a full disk.
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite, GDAL and the system say into our errors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        locked = "locked" in str(error)
        hint = "Another program holds the scene: end its editing session, then try again." if locked else ""
        raise StorageError(f"cannot use {path}: {error}", hint=hint) from error
    except sqlite3.DatabaseError as error:
        raise SceneError(f"{path} is no GeoPackage: {error}", hint=_HINT_NOT_SCENE) from error
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}") from error
