"""Give back the memory of the model that waits for the next question."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from rs_copilot.jobs.context import JobContext


class LookReleaseParams(BaseModel):
    """Nothing to choose: there is one model at most."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class LookReleaseResult(BaseModel):
    """``released``: the memory is free. Otherwise a model is answering, and goes after its answer."""

    released: bool

    def summary(self) -> str:
        """For people."""
        return "The memory is free." if self.released else "The model goes after its answer."


def run(params: LookReleaseParams, context: JobContext) -> LookReleaseResult:
    """Close the model, now or as soon as it has answered."""
    del params
    return LookReleaseResult(released=context.shelf is None or context.shelf.release())
