"""The row of the layer ``runs`` that says what was run on a scene."""

from __future__ import annotations

from pydantic import BaseModel

from rs_copilot import __version__
from rs_copilot.jobs.context import JobContext
from rs_copilot.vector.build import Grid, Provenance, runs_table
from rs_copilot.vector.store import append_layer, read_scene_info


def note_run(
    scene: str,
    command: str,
    params: BaseModel,
    provenance: Provenance,
    context: JobContext,
    *,
    seconds: float,
    device: str,
) -> None:
    """Write it.

    Raises:
        StorageError: the scene cannot be written.
    """
    crs = read_scene_info(scene).crs
    table = runs_table(
        command,
        params.model_dump(mode="json"),
        Grid(crs, crs),
        provenance,
        version=__version__,
        seconds=seconds,
        device=device,
        warnings=context.warnings,
    )
    append_layer(scene, "runs", table)
