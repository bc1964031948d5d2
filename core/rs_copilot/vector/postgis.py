"""A scene in PostgreSQL with PostGIS, for teams: the same layers and rows as in the GeoPackage.

A scene is one schema of the database, named by ``?schema=NAME`` in the URL (``rs_copilot`` where it says
nothing). Readers see a transaction's rows all at once or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pyproj
import shapely

from rs_copilot.errors import MissingDependencyError, SceneError, StorageError, UsageError
from rs_copilot.vector.schema import LATER_LAYERS, LAYERS, SCHEMA_VERSION, FieldType, GeometryType, Layer

if TYPE_CHECKING:
    import geopandas as gpd
    from psycopg import Connection
    from psycopg.sql import Composed

DEFAULT_SCHEMA = "rs_copilot"
GEOMETRY_COLUMN = "geom"
_COMMENT = "RS Copilot scene, schema version"
_SQL_TYPE = {
    FieldType.TEXT: "text",
    FieldType.REAL: "double precision",
    FieldType.INTEGER: "bigint",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATETIME: "timestamptz",
}
_SQL_GEOMETRY = {
    GeometryType.POINT: "Point",
    GeometryType.POLYGON: "Polygon",
    GeometryType.LINE_M: "LineStringM",
}
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Target:
    """Where in which database: ``url`` without the schema, and the schema."""

    url: str
    schema: str

    @property
    def shown(self) -> str:
        """The place without the password, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.hostname or 'local'}{parts.path}, schema {self.schema}"


def is_database(path: object) -> bool:
    """Whether a scene is named by a database URL and not by a file."""
    return isinstance(path, str) and path.startswith(("postgresql://", "postgres://"))


def parse_url(url: str) -> Target:
    """Take the schema out of a database URL.

    Raises:
        UsageError: the schema is no plain name.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    schema = query.pop("schema", DEFAULT_SCHEMA)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", schema):
        raise UsageError(f"{schema!r} is no name of a schema", hint="Use letters, digits and underscores.")
    return Target(urlunsplit(parts._replace(query=urlencode(query))), schema)


@contextmanager
def connection_to(target: Target) -> Iterator[Connection[Row]]:
    """One transaction: committed at the end, rolled back on an error.

    Raises:
        MissingDependencyError: psycopg is not installed.
        StorageError: the server cannot be reached or refuses.
    """
    try:
        import psycopg
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "scenes in PostgreSQL need the package psycopg", hint="pip install 'rs-copilot[postgis]'"
        ) from error
    try:
        with psycopg.connect(target.url, connect_timeout=10) as connection:
            yield connection
    except psycopg.Error as error:
        hint = "Check server, user and rights; PostGIS must be there: CREATE EXTENSION postgis."
        raise StorageError(f"cannot use {target.shown}: {str(error).strip()}", hint=hint) from error


def create_scene(url: str, crs: pyproj.CRS, *, overwrite: bool = False) -> None:
    """Make the schema with all layers, empty.

    Raises:
        SceneError: the schema exists; ``overwrite`` replaces it only where it is a scene.
        UsageError: the CRS has no EPSG code.
        StorageError: see `connection_to`.
    """
    from psycopg import sql

    target, code = parse_url(url), _epsg(crs)
    with connection_to(target) as connection:
        exists = connection.execute("SELECT to_regnamespace(%s)", (target.schema,)).fetchone()
        if exists is not None and exists[0] is not None:
            read_version(connection, target)
            if not overwrite:
                raise SceneError(f"{target.shown} exists already", hint="Choose another schema.")
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(target.schema)))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(target.schema)))
        comment = sql.Literal(f"{_COMMENT} {SCHEMA_VERSION}")
        connection.execute(
            sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(target.schema), comment)
        )
        for layer in LAYERS:
            create_table(connection, target.schema, layer, code)


def has_schema(url: str) -> bool:
    """Whether the schema that the URL names exists."""
    target = parse_url(url)
    with connection_to(target) as connection:
        found = connection.execute("SELECT to_regnamespace(%s)", (target.schema,)).fetchone()
    return found is not None and found[0] is not None


def _epsg(crs: pyproj.CRS) -> int:
    code = crs.to_epsg()
    if code is None:
        raise UsageError(
            f"PostGIS knows a CRS by its EPSG code, and {crs.name} has none", hint="Use a GeoPackage instead."
        )
    return int(code)


def create_table(connection: Connection[Row], schema: str, layer: Layer, epsg: int) -> None:
    """An empty table of a layer with its spatial index and the meaning of every column."""
    from psycopg import sql

    table = sql.Identifier(schema, layer.name)
    columns: list[Any] = [sql.SQL("fid bigserial PRIMARY KEY")]
    if layer.geometry is not GeometryType.NONE:
        kind = sql.SQL(f"geometry({_SQL_GEOMETRY[layer.geometry]}, {epsg})")
        columns.append(sql.SQL("{} {}").format(sql.Identifier(GEOMETRY_COLUMN), kind))
    columns += [
        sql.SQL("{} {}").format(sql.Identifier(item.name), sql.SQL(_SQL_TYPE[item.type]))
        for item in layer.fields
    ]
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns)))
    for item in layer.fields:
        where = sql.Identifier(schema, layer.name, item.name)
        connection.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(where, sql.Literal(item.meaning)))
    if layer.geometry is not GeometryType.NONE:
        index = sql.SQL("CREATE INDEX ON {} USING gist ({})")
        connection.execute(index.format(table, sql.Identifier(GEOMETRY_COLUMN)))


def read_version(connection: Connection[Row], target: Target) -> int:
    """The scene's schema version.

    Raises:
        SceneError: the schema is missing, no scene, or from a later version.
    """
    query = "SELECT obj_description(to_regnamespace(%s)::oid, 'pg_namespace')"
    found = connection.execute(query, (target.schema,)).fetchone()
    comment = str(found[0]) if found else ""
    if not comment.startswith(_COMMENT):
        raise SceneError(f"{target.shown} is no RS Copilot scene", hint="Choose another schema.")
    version = int(comment.removeprefix(_COMMENT))
    if version > SCHEMA_VERSION:
        raise SceneError(
            f"{target.shown} has schema version {version}, expected at most {SCHEMA_VERSION}",
            hint="Update RS Copilot.",
        )
    return version


def write_layers(
    url: str,
    tables: Mapping[str, tuple[Layer, gpd.GeoDataFrame]],
    replace_clip: str | None,
    replace_method: str | None = None,
) -> dict[str, list[int]]:
    """Add rows to several layers in one transaction; see `store.write_layers`."""
    from psycopg import sql

    target = parse_url(url)
    fids = {}
    with connection_to(target) as connection:
        read_version(connection, target)
        for name, (layer, table) in tables.items():
            if name in LATER_LAYERS and not _has_table(connection, target, layer):
                create_table(connection, target.schema, layer, _epsg(read_crs(connection, target)))
            _add_what_is_new(connection, target.schema, layer)
            if replace_clip is not None:
                delete = sql.SQL("DELETE FROM {} WHERE clip = %s AND method = coalesce(%s, method)")
                where = (replace_clip, replace_method)
                connection.execute(delete.format(sql.Identifier(target.schema, name)), where)
            fids[name] = insert_rows(connection, target.schema, layer, table)
    return fids


def _add_what_is_new(connection: Connection[Row], schema: str, layer: Layer) -> None:
    """Give a scene of an earlier version the fields of the layer that came since."""
    from psycopg import sql

    known = _columns(connection, schema, layer)
    for item in layer.fields:
        if item.name not in known:
            add = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                sql.Identifier(schema, layer.name), sql.Identifier(item.name), sql.SQL(_SQL_TYPE[item.type])
            )
            connection.execute(add)


def _columns(connection: Connection[Row], schema: str, layer: Layer) -> set[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
    return {row[0] for row in connection.execute(query, (schema, layer.name))}


def remove_rows(url: str, layer: Layer, fids: Sequence[int]) -> int:
    """Remove rows of one layer by their ``fid``; see `store.remove_rows`."""
    from psycopg import sql

    target = parse_url(url)
    with connection_to(target) as connection:
        read_version(connection, target)
        if not _has_table(connection, target, layer):
            return 0
        delete = sql.SQL("DELETE FROM {} WHERE fid = ANY(%s)")
        where = sql.Identifier(target.schema, layer.name)
        return connection.execute(delete.format(where), (list(map(int, fids)),)).rowcount


def insert_rows(connection: Connection[Row], schema: str, layer: Layer, table: gpd.GeoDataFrame) -> list[int]:
    """Append the rows of a table that has all fields of the layer, and give their ``fid``."""
    names = list(layer.field_names)
    values: list[Sequence[Any]] = [[_plain(item) for item in table[name]] for name in names]
    if layer.geometry is not GeometryType.NONE:
        names.insert(0, GEOMETRY_COLUMN)
        epsg = _epsg(table.crs)
        values.insert(0, [_ewkb(item, epsg) for item in table.geometry])
    with connection.cursor() as cursor:
        rows = list(zip(*values, strict=True))
        cursor.executemany(_insert_statement(schema, layer, names), rows, returning=True)
        fids = [row[0] for row in cursor.fetchall()] if rows else []
        while cursor.nextset():
            fids += [row[0] for row in cursor.fetchall()]
        return fids


def _insert_statement(schema: str, layer: Layer, names: Sequence[str]) -> Composed:
    from psycopg import sql

    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING fid").format(
        sql.Identifier(schema, layer.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Placeholder() for _ in names),
    )


def _ewkb(geometry: object, epsg: int) -> str | None:
    if geometry is None:
        return None
    return str(shapely.to_wkb(shapely.set_srid(geometry, epsg), hex=True, include_srid=True))


def _plain(value: object) -> object:
    """Missing values of pandas as SQL null; NaN, which PostgreSQL would keep, as well."""
    import pandas as pd

    return None if pd.isna(value) else value


def read_rows(
    url: str, layer: Layer, clip: str | None, fields: Sequence[str]
) -> tuple[list[Row], pyproj.CRS]:
    """All rows of a layer: ``fid``, the ``fields``, then the geometry as WKB where the layer has one."""
    from psycopg import sql

    target = parse_url(url)
    with connection_to(target) as connection:
        read_version(connection, target)
        if layer.name in LATER_LAYERS and not _has_table(connection, target, layer):
            return [], read_crs(connection, target)
        # A scene of an earlier version lacks what later ones know: it reads as unknown.
        known = _columns(connection, target.schema, layer)
        columns: list[Any] = [
            sql.Identifier(name) if name in known else sql.SQL("NULL") for name in ("fid", *fields)
        ]
        if layer.geometry is not GeometryType.NONE:
            columns.append(sql.SQL("ST_AsEWKB({})").format(sql.Identifier(GEOMETRY_COLUMN)))
        query = sql.SQL("SELECT {} FROM {} WHERE %s::text IS NULL OR clip = %s ORDER BY fid").format(
            sql.SQL(", ").join(columns), sql.Identifier(target.schema, layer.name)
        )
        rows = connection.execute(query, (clip, clip)).fetchall()
        return rows, read_crs(connection, target)


def _has_table(connection: Connection[Row], target: Target, layer: Layer) -> bool:
    """Whether the layer is there: scenes of an earlier version lack those that came since."""
    query = "SELECT to_regclass(format('%%I.%%I', %s::text, %s::text))"
    found = connection.execute(query, (target.schema, layer.name)).fetchone()
    return found is not None and found[0] is not None


def read_crs(connection: Connection[Row], target: Target) -> pyproj.CRS:
    """The CRS that the scene's geometry is in."""
    query = "SELECT Find_SRID(%s, 'frames', %s)"
    found = connection.execute(query, (target.schema, GEOMETRY_COLUMN)).fetchone()
    return pyproj.CRS.from_epsg(int(found[0]) if found else 4326)


def read_info(url: str) -> tuple[pyproj.CRS, int, tuple[str, ...]]:
    """CRS, schema version and names of the clips."""
    from psycopg import sql

    target = parse_url(url)
    query = sql.SQL("SELECT DISTINCT clip FROM {} WHERE clip IS NOT NULL ORDER BY clip")
    with connection_to(target) as connection:
        version = read_version(connection, target)
        rows = connection.execute(query.format(sql.Identifier(target.schema, "frames"))).fetchall()
        return read_crs(connection, target), version, tuple(str(row[0]) for row in rows)


def export_table(url: str, layer: Layer, table: gpd.GeoDataFrame) -> Target:
    """Write one layer as a table of its own, replacing the former one in the same transaction.

    Raises:
        SceneError: the schema is a scene, whose layers an export must not replace.
        UsageError: the CRS has no EPSG code.
        StorageError: see `connection_to`.
    """
    from psycopg import sql

    target = parse_url(url)
    with connection_to(target) as connection:
        comment = connection.execute(
            "SELECT obj_description(to_regnamespace(%s)::oid, 'pg_namespace')", (target.schema,)
        ).fetchone()
        if comment is not None and str(comment[0]).startswith(_COMMENT):
            raise SceneError(f"{target.shown} is a scene", hint="Export to another schema: ?schema=NAME.")
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(target.schema)))
        drop = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(target.schema, layer.name))
        connection.execute(drop)
        create_table(connection, target.schema, layer, _epsg(table.crs))
        insert_rows(connection, target.schema, layer, table)
    return target
