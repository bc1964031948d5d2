"""All use cases by name. The command line and the worker find them here, and load them when asked for."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from rs_copilot.errors import MissingDependencyError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.failure import missing_package


class JobResult(Protocol):
    """What every job gives back: a pydantic model with words for people."""

    def summary(self) -> str:
        """The result in words."""

    def model_dump(self) -> dict[str, Any]:
        """The result as values."""

    def model_dump_json(self) -> str:
        """The result as JSON."""


@dataclass(frozen=True)
class JobSpec:
    """Where a job is: module, and the name of its parameters' class.

    A quick job answers within a moment and needs no place in the queue of jobs. One that ``uses_shelf``
    finds a loaded model there, and leaves it for the next.
    """

    name: str
    module: str
    params: str
    is_quick: bool = False
    uses_shelf: bool = False


JOBS = (
    JobSpec("demo", "rs_copilot.jobs.demo", "DemoParams"),
    JobSpec("simulate", "rs_copilot.jobs.simulate", "SimulateParams"),
    JobSpec("index", "rs_copilot.jobs.index", "IndexParams"),
    JobSpec("search", "rs_copilot.jobs.search", "SearchParams"),
    JobSpec("train", "rs_copilot.jobs.train", "TrainParams"),
    JobSpec("train.detector", "rs_copilot.jobs.train_detector", "TrainDetectorParams"),
    JobSpec("train.vlm", "rs_copilot.jobs.train_vlm", "TrainVlmParams"),
    JobSpec("eval.retrieval", "rs_copilot.jobs.eval_retrieval", "EvalRetrievalParams"),
    JobSpec("eval.calibration", "rs_copilot.jobs.eval_calibration", "EvalCalibrationParams"),
    JobSpec("eval.detection", "rs_copilot.jobs.eval_detection", "EvalDetectionParams"),
    JobSpec("eval.links2bench", "rs_copilot.jobs.eval_links2bench", "EvalLinks2BenchParams", uses_shelf=True),
    JobSpec("eval.rscovlm-detection", "rs_copilot.jobs.eval_spoken_detection", "EvalSpokenDetectionParams"),
    JobSpec("eval.grounding", "rs_copilot.jobs.eval_grounding", "EvalGroundingParams"),
    JobSpec("eval.scene", "rs_copilot.jobs.eval_scene", "EvalSceneParams"),
    JobSpec("eval.vqa", "rs_copilot.jobs.eval_vqa", "EvalVqaParams"),
    JobSpec("eval.lrs-vqa", "rs_copilot.jobs.eval_lrs_vqa", "EvalLrsVqaParams"),
    JobSpec("eval.geoxbench", "rs_copilot.jobs.eval_geoxbench", "EvalGeoxbenchParams"),
    JobSpec("localize", "rs_copilot.jobs.localize", "LocalizeParams"),
    JobSpec("track", "rs_copilot.jobs.track", "TrackParams"),
    JobSpec("detect", "rs_copilot.jobs.detect", "DetectParams", uses_shelf=True),
    JobSpec("ground", "rs_copilot.jobs.ground", "GroundParams", uses_shelf=True),
    JobSpec("segment", "rs_copilot.jobs.segment", "SegmentParams"),
    JobSpec("ask", "rs_copilot.jobs.ask", "AskParams", uses_shelf=True),
    JobSpec("look", "rs_copilot.jobs.look", "LookParams", uses_shelf=True),
    JobSpec(
        "look.release", "rs_copilot.jobs.look_release", "LookReleaseParams", is_quick=True, uses_shelf=True
    ),
    JobSpec("look.keep", "rs_copilot.jobs.look_keep", "LookKeepParams"),
    JobSpec("look.forget", "rs_copilot.jobs.look_forget", "LookForgetParams"),
    JobSpec("correct", "rs_copilot.jobs.correct", "CorrectParams"),
    JobSpec("export", "rs_copilot.jobs.export", "ExportParams"),
    JobSpec("models.fetch", "rs_copilot.jobs.models_fetch", "ModelsFetchParams"),
    JobSpec("models.verify", "rs_copilot.jobs.models_verify", "ModelsVerifyParams"),
    JobSpec("models.remove", "rs_copilot.jobs.models_remove", "ModelsRemoveParams"),
    JobSpec("models.add", "rs_copilot.jobs.models_add", "ModelsAddParams"),
    JobSpec("models.quantise", "rs_copilot.jobs.models_quantise", "ModelsQuantiseParams"),
    JobSpec("models.list", "rs_copilot.jobs.models_list", "ModelsListParams", is_quick=True),
    JobSpec("doctor", "rs_copilot.jobs.doctor", "DoctorParams", is_quick=True),
    JobSpec("clip.info", "rs_copilot.jobs.clip_info", "ClipInfoParams", is_quick=True),
    JobSpec("raster.info", "rs_copilot.jobs.raster_info", "RasterInfoParams", is_quick=True),
)


def available() -> list[JobSpec]:
    """The jobs whose modules exist, without loading any."""
    return [spec for spec in JOBS if importlib.util.find_spec(spec.module) is not None]


def find_job(name: str) -> JobSpec:
    """The job of that name.

    Raises:
        UsageError: there is none.
    """
    for spec in JOBS:
        if spec.name == name:
            return spec
    raise UsageError(f"No job is called {name!r}; there are {', '.join(job.name for job in JOBS)}.")


def run_job(name: str, params: Mapping[str, Any], context: JobContext) -> JobResult:
    """Check the parameters, then run the job in this thread.

    Raises:
        UsageError: no such job, or parameters that do not fit.
        MissingDependencyError: a package or the device that the job needs is not there.
        RsCopilotError: whatever the job raises.
    """
    spec = find_job(name)
    require_device(context.device)
    try:
        module = importlib.import_module(spec.module)
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    result: JobResult = module.run(_parse_params(getattr(module, spec.params), params), context)
    return result


def require_device(device: str) -> None:
    """Check a device by name: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UsageError: not a name of a device.
        MissingDependencyError: this machine has no such device.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise UsageError(f"Expected a device auto, cpu, cuda or cuda:N, found {device!r}.")
    if not device.startswith("cuda"):
        return
    from rs_copilot.jobs.doctor import find_devices

    wanted = device if ":" in device else "cuda:0"
    found = [item.id for item in find_devices()]
    if wanted not in found:
        raise MissingDependencyError(
            f"The device {wanted} is not on this machine; found {', '.join(found)}.",
            hint="Use --device auto. A graphics card needs its driver: nvidia-smi must list it.",
        )


def _parse_params(model: type[BaseModel], params: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, item['loc'])) or 'parameters'}: {item['msg']}" for item in error.errors()
        )
        raise UsageError("; ".join(problems)) from error
