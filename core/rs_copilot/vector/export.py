"""A scene layer as a file of another format, with the limits of that format met and reported.

Preparing a table is pure (`prepare`); `write_export` is the door. Rows go out as Arrow with ISO WKB, the
one way through pyogrio that keeps M values.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyogrio
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import StorageError, UsageError
from rs_copilot.geo.crs import WGS84
from rs_copilot.vector.build import Grid
from rs_copilot.vector.gpkg_blob import GPKG_VERSION, quiet_about_m
from rs_copilot.vector.json_values import to_json
from rs_copilot.vector.schema import GeometryType, Layer
from rs_copilot.vector.shapefile import SIDECARS, ShapefileTable, check_size, fit_shapefile, split_by_family

VERTEX_TIMES = "vertex_times_s"


@dataclass(frozen=True)
class Format:
    """What one file format can hold."""

    name: str
    driver: str | None
    keeps_m: bool = False
    only_wgs84: bool = False
    datetimes_as_text: bool = False
    needs_geometry: bool = False


FORMATS: dict[str, Format] = {
    ".shp": Format("ESRI Shapefile", "ESRI Shapefile", keeps_m=True, datetimes_as_text=True),
    ".gpkg": Format("GeoPackage", "GPKG", keeps_m=True),
    ".geojson": Format("GeoJSON (RFC 7946)", "GeoJSON", only_wgs84=True, datetimes_as_text=True),
    ".kml": Format("KML", "KML", only_wgs84=True, datetimes_as_text=True, needs_geometry=True),
    ".fgb": Format("FlatGeobuf", "FlatGeobuf", keeps_m=True),
    ".parquet": Format("GeoParquet", None),
    ".csv": Format("CSV with WKT", None, keeps_m=True, datetimes_as_text=True),
}


@dataclass(frozen=True)
class Exported:
    """What was written and what the format made of it."""

    files: tuple[Path, ...]
    rows: int
    crs: pyproj.CRS
    renamed_fields: dict[str, str] = field(default_factory=dict)
    truncated_values: dict[str, int] = field(default_factory=dict)
    null_geometries: int = 0
    notes: tuple[str, ...] = ()


def format_of(out: Path) -> Format:
    """The format that a file name asks for.

    Raises:
        UsageError: the extension is not one of `FORMATS`.
    """
    found = FORMATS.get(out.suffix.lower())
    if found is None:
        raise UsageError(
            f"cannot export to {out.suffix or 'a name without extension'!r} ({out.name})",
            hint=f"Use one of {' '.join(FORMATS)}, or a postgresql:// URL.",
        )
    return found


def prepare(
    table: gpd.GeoDataFrame, layer: Layer, target: Format
) -> tuple[gpd.GeoDataFrame, GeometryType, list[str]]:
    """The table as the format can hold it: CRS, M values, dates; with the geometry type and notes."""
    notes = []
    kind = layer.geometry
    if target.only_wgs84:
        grid = Grid(table.crs, WGS84)
        shapes = [grid.to_scene(item) for item in table.geometry]
        table = table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=WGS84))
        notes.append("coordinates are longitude, latitude (EPSG:4326), as the format demands")
    if kind is GeometryType.LINE_M and not target.keeps_m:
        table = _times_to_field(table)
        notes.append(f"the format has no M values: the times of the vertices are in {VERTEX_TIMES}")
    if target.datetimes_as_text:
        texts = table["created_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").astype("object")
        table = table.assign(created_at=texts.where(texts.notna(), None))
    return table, kind, notes


def _times_to_field(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    times = [_vertex_times(item) for item in table.geometry]
    flat = gpd.GeoSeries(shapely.force_2d(table.geometry.to_numpy()), index=table.index, crs=table.crs)
    return table.assign(**{VERTEX_TIMES: pd.Series(times, index=table.index, dtype="object")}).set_geometry(
        flat
    )


def _vertex_times(line: BaseGeometry | None) -> str | None:
    if line is None or not line.has_m:
        return None
    return to_json(shapely.get_coordinates(line, include_m=True)[:, 2].round(3))


def write_export(table: gpd.GeoDataFrame, layer: Layer, out: Path) -> Exported:
    """Write ``table`` to ``out`` in the format of its extension; all files appear at the end or none.

    Raises:
        UsageError: unknown extension; a shapefile over 2 GB; a GeoPackage that holds something else.
        StorageError: disk full, no permission.
    """
    target = format_of(out)
    _check_target(out, layer)
    ready, kind, notes = prepare(table, layer, target)
    if target.driver == "ESRI Shapefile":
        return _write_shapefile(ready, kind, out, notes)

    def write(folder: Path) -> list[Path]:
        draft = folder / out.name
        if out.suffix.lower() == ".parquet":
            ready.to_parquet(draft, index=False)
        elif out.suffix.lower() == ".csv":
            _to_csv_table(ready, kind).to_csv(draft, index=False, encoding="utf-8")
        else:
            _write_ogr(ready, kind, draft, target, layer.name)
        return [draft]

    nulls = 0 if kind is GeometryType.NONE else int(ready.geometry.isna().sum())
    if nulls and target.needs_geometry:
        # One of GDAL's two KML drivers drops them silently, the other keeps them: the same file from both.
        ready = ready[~ready.geometry.isna()]
        notes.append(f"{nulls} rows without geometry are left out: {target.name} holds places only")
    return Exported(
        tuple(_write_atomically(out, write)), len(ready), ready.crs, null_geometries=nulls, notes=tuple(notes)
    )


def _check_target(out: Path, layer: Layer) -> None:
    """A GeoPackage may hold other people's layers: replace it only if it holds this one alone."""
    if out.suffix.lower() != ".gpkg" or not out.exists():
        return
    try:
        with quiet_about_m():
            names = {str(row[0]) for row in pyogrio.list_layers(out)}
    except pyogrio.errors.DataSourceError as error:
        raise UsageError(f"{out} exists and is no GeoPackage", hint="Choose another file name.") from error
    if names != {layer.name}:
        raise UsageError(
            f"{out} holds other layers: {', '.join(sorted(names))}", hint="Choose another file name."
        )


def _to_csv_table(table: gpd.GeoDataFrame, kind: GeometryType) -> pd.DataFrame:
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    if kind is not GeometryType.NONE:
        plain["wkt"] = [None if item is None else shapely.to_wkt(item) for item in table.geometry]
    return plain


def _write_ogr(
    table: gpd.GeoDataFrame, kind: GeometryType, path: Path, target: Format, layer_name: str
) -> None:
    """One file through GDAL; GDAL hides a full disk, so the rows are counted afterwards.

    Raises:
        StorageError: not all rows arrived.
    """
    options: dict[str, Any] = {"layer": layer_name, "driver": target.driver}
    if target.driver == "GPKG":
        options["dataset_options"] = {"VERSION": GPKG_VERSION}
    if kind is GeometryType.NONE:
        pyogrio.write_dataframe(pd.DataFrame(table.drop(columns=table.geometry.name)), path, **options)
        return
    pyogrio.write_arrow(
        _to_arrow(table),
        path,
        geometry_name="geometry",
        geometry_type=_OGR_TYPE[kind],
        crs=table.crs.to_wkt(),
        layer_options=_layer_options(table, target),
        **options,
    )
    found = _count(path)
    if found != len(table):
        raise StorageError(f"wrote {found} of {len(table)} rows to {path.name}")


def _layer_options(table: gpd.GeoDataFrame, target: Format) -> dict[str, str]:
    if target.driver == "ESRI Shapefile":
        return {"ENCODING": "UTF-8"}
    if target.driver == "FlatGeobuf" and (table.geometry.isna().any() or table.empty):
        # Its spatial index takes no null geometry.
        return {"SPATIAL_INDEX": "NO"}
    return {}


_OGR_TYPE = {
    GeometryType.POINT: "Point",
    GeometryType.POLYGON: "Polygon",
    GeometryType.LINE_M: "Measured LineString",
}


def _count(path: Path) -> int:
    try:
        with quiet_about_m():
            return int(pyogrio.read_info(path, force_feature_count=True)["features"])
    except pyogrio.errors.DataSourceError:
        return 0


def _to_arrow(table: gpd.GeoDataFrame) -> pa.Table:
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    # A column of nulls alone would have no type.
    texts = {name: "string" for name in plain if plain[name].dtype == object}
    columns = pa.Table.from_pandas(plain.astype(texts), preserve_index=False)
    wkb = [None if item is None else shapely.to_wkb(item, flavor="iso") for item in table.geometry]
    return columns.append_column("geometry", pa.array(wkb, type=pa.binary()))


def _write_shapefile(table: gpd.GeoDataFrame, kind: GeometryType, out: Path, notes: list[str]) -> Exported:
    fitted: ShapefileTable = fit_shapefile(table)
    parts = split_by_family(fitted.table, kind)
    for part, _ in parts.values():
        check_size(part)
    names = {suffix: out.with_name(f"{out.stem}{suffix}.shp").name for suffix in parts}
    if len(parts) > 1:
        notes.append(f"a shapefile holds one geometry type: wrote {', '.join(names.values())}")

    if kind is GeometryType.NONE:
        notes.append("the layer has no geometry: of a shapefile there is only the .dbf")

    def write(folder: Path) -> list[Path]:
        for suffix, (part, part_kind) in parts.items():
            _write_ogr(part, part_kind, folder / names[suffix], FORMATS[".shp"], Path(names[suffix]).stem)
        # The main file last: whoever sees it finds its companions in place.
        return sorted(folder.iterdir(), key=lambda path: path.suffix == ".shp")

    files = _write_atomically(out, write)
    return Exported(
        tuple(files),
        len(table),
        table.crs,
        renamed_fields=fitted.renamed,
        truncated_values=fitted.truncated,
        null_geometries=int(table.geometry.isna().sum()) if kind is not GeometryType.NONE else 0,
        notes=(*notes, *fitted.notes),
    )


def _write_atomically(out: Path, write: Callable[[Path], Sequence[Path]]) -> list[Path]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".rs-copilot-", dir=out.parent) as folder:
            drafts = write(Path(folder))
            # An index that QGIS made for the former file would lead it astray in the new one.
            for suffix in SIDECARS if out.suffix.lower() == ".shp" else ():
                out.with_suffix(suffix).unlink(missing_ok=True)
            return [draft.replace(out.parent / draft.name) for draft in drafts]
    except (
        OSError,
        pa.ArrowException,
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
    ) as error:
        raise StorageError(f"cannot write {out}: {error}") from error
