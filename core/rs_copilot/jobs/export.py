"""Export one layer of a scene to a file of another format, or to a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import SceneError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.vector.build import crs_text
from rs_copilot.vector.export import Exported, write_export
from rs_copilot.vector.postgis import export_table, is_database
from rs_copilot.vector.schema import LAYER_BY_NAME, Layer
from rs_copilot.vector.store import read_layer, read_scene_info


class ExportParams(BaseModel):
    """What to export and where to; ``clip`` limits it to one clip."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    layer: str
    out: str
    clip: str | None = None


class ExportResult(BaseModel):
    """What was written, and what the format could not hold."""

    scene: str
    layer: str
    out: str
    files: list[str]
    rows: int
    crs: str
    renamed_fields: dict[str, str] = Field(default_factory=dict)
    truncated_values: dict[str, int] = Field(default_factory=dict)
    null_geometries: int = 0
    notes: list[str] = Field(default_factory=list)

    def summary(self) -> str:
        """What a person wants to know after an export."""
        lines = [f"{self.rows} rows of {self.layer} in {self.crs} to {self.out}"]
        if self.renamed_fields:
            pairs = ", ".join(f"{old} -> {new}" for old, new in self.renamed_fields.items())
            lines.append(f"fields renamed (10 characters at most): {pairs}")
        for name, count in self.truncated_values.items():
            lines.append(f"{count} values of {name} were cut to 254 bytes")
        if self.null_geometries:
            lines.append(f"{self.null_geometries} rows have no geometry")
        return "\n".join(lines + self.notes)


def run(params: ExportParams, context: JobContext) -> ExportResult:
    """Export.

    Raises:
        SceneError: no scene, no such layer, no such clip.
        UsageError: unknown format, or a target that must not be replaced.
        StorageError: the target cannot be written.
    """
    context.progress(0, 2, f"Reading {params.layer}")
    info = read_scene_info(params.scene)
    layer = LAYER_BY_NAME.get(params.layer)
    if layer is None:
        raise SceneError(
            f"scene {params.scene} has no layer {params.layer!r}",
            hint=f"Its layers are: {', '.join(LAYER_BY_NAME)}.",
        )
    if params.clip is not None and params.clip not in info.clips:
        raise SceneError(
            f"scene {params.scene} has no clip {params.clip!r}",
            hint=f"Its clips are: {', '.join(info.clips) or 'none'}.",
        )
    table = read_layer(params.scene, params.layer, clip=params.clip)
    context.progress(1, 2, f"Writing {len(table)} rows")
    result = _to_database(params, layer, table) if is_database(params.out) else _to_file(params, layer, table)
    context.progress(2, 2, f"Wrote {result.out}")
    return result


def _to_database(params: ExportParams, layer: Layer, table: gpd.GeoDataFrame) -> ExportResult:
    target = export_table(params.out, layer, table)
    return ExportResult(
        scene=params.scene,
        layer=params.layer,
        out=f"{target.shown}, table {layer.name}",
        files=[],
        rows=len(table),
        crs=crs_text(table.crs),
        null_geometries=int(table.geometry.isna().sum()),
    )


def _to_file(params: ExportParams, layer: Layer, table: gpd.GeoDataFrame) -> ExportResult:
    out = Path(params.out)
    if not is_database(params.scene) and out.resolve() == Path(params.scene).resolve():
        raise UsageError(f"{out} is the scene itself", hint="Choose another file name.")
    return _result(params, write_export(table, layer, out))


def _result(params: ExportParams, written: Exported) -> ExportResult:
    return ExportResult(
        scene=params.scene,
        layer=params.layer,
        out=params.out,
        files=[str(path) for path in written.files],
        rows=written.rows,
        crs=written.crs.to_string() if written.crs.to_authority() else written.crs.name,
        renamed_fields=written.renamed_fields,
        truncated_values=written.truncated_values,
        null_geometries=written.null_geometries,
        notes=list(written.notes),
    )
