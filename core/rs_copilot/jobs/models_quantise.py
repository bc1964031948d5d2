"""Write a model in 4 bits once: afterwards it starts in seconds, and takes a third of the disk."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.local_models import find_local
from rs_copilot.models.store import open_store


class ModelsQuantiseParams(BaseModel):
    """``model``: an id or a folder; ``out``: folder to write; ``folder`` of models, if not the usual one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(min_length=1)
    out: Path
    folder: Path | None = None


class ModelsQuantiseResult(BaseModel):
    """What was written."""

    path: str
    before_bytes: int
    after_bytes: int

    def summary(self) -> str:
        """For people."""
        return (
            f"Wrote {self.path}: {self.after_bytes / 1e9:.2f} instead of {self.before_bytes / 1e9:.2f} GB. "
            f"Use the folder as it is, or `rs-copilot models add {self.path}`."
        )


def run(params: ModelsQuantiseParams, context: JobContext) -> ModelsQuantiseResult:
    """Read the weights, round them and write them.

    Raises:
        UsageError: no such model.
        BadInputError: it is in 4 bits already, or the folder to write exists.
        MissingDependencyError: packages or the device are missing.
        OutOfMemoryError: it does not fit.
    """
    context.check()
    model = find_local(open_store(params.folder), params.model)
    if model is None:
        raise UsageError(
            f"No model is called {params.model!r}.",
            hint="Give an id of `rs-copilot models list`, or a folder.",
        )
    # Torch, only where it is needed.
    from rs_copilot.learned.vlm import save_quantised

    context.progress(0, 1, f"Quantising {model.name}: minutes on a processor, seconds on a graphics card")
    save_quantised(model.folder, params.out, device=context.device, family=model.family)
    return ModelsQuantiseResult(
        path=str(params.out), before_bytes=_weight_bytes(model.folder), after_bytes=_weight_bytes(params.out)
    )


def _weight_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
