"""Take rows that `look.keep` wrote out of the scene again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.look_keep import MAX_OBJECTS, METHOD
from rs_copilot.jobs.look_params import LayerName
from rs_copilot.vector.store import read_layer, remove_rows


class LookForgetParams(BaseModel):
    """Which rows, by ``fid``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    layer: LayerName
    rows: tuple[int, ...] = Field(max_length=MAX_OBJECTS)


class LookForgetResult(BaseModel):
    """How many rows went; those that were gone already, or that something else wrote, do not count."""

    removed: int

    def summary(self) -> str:
        """For people."""
        return f"{self.removed} rows removed"


def run(params: LookForgetParams, context: JobContext) -> LookForgetResult:
    """Remove them; rows that another job wrote stay.

    Raises:
        SceneError: the file is no scene.
        StorageError: it cannot be written.
    """
    context.check()
    methods = read_layer(params.scene, params.layer)["method"]
    own = [fid for fid in params.rows if methods.get(fid) == METHOD]
    removed = remove_rows(params.scene, params.layer, own)
    context.progress(1, 1, "Removed", {"scene": params.scene, "layers": [params.layer]})
    return LookForgetResult(removed=removed)
