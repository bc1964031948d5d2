"""Jobs are found by name, loaded late, and refuse what does not fit."""

from __future__ import annotations

import errno
import importlib
import sys
from types import ModuleType

import pytest
from pydantic import BaseModel

from rs_copilot import errors
from rs_copilot.jobs import registry
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.failure import known_error
from rs_copilot.jobs.registry import JOBS, available, find_job, require_device, run_job


@pytest.mark.parametrize("spec", JOBS, ids=lambda spec: spec.name)
def test_every_job_keeps_the_convention(spec):
    module = importlib.import_module(spec.module)
    params = getattr(module, spec.params)
    assert issubclass(params, BaseModel)
    assert params.model_config.get("frozen")
    assert params.model_config.get("extra") == "ignore"
    assert callable(module.run)
    assert spec in available()


def test_unknown_jobs_are_refused():
    with pytest.raises(errors.UsageError, match="there are demo"):
        find_job("os.system")


def test_parameters_that_do_not_fit_are_named():
    with pytest.raises(errors.UsageError, match="raster: Field required"):
        run_job("raster.info", {"rooster": 1}, JobContext())


def test_a_cancelled_context_stops_a_job():
    context = JobContext()
    context.cancelled.set()
    with pytest.raises(errors.CancelledError):
        run_job("doctor", {}, context)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_devices_that_are_everywhere(device):
    require_device(device)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "", "cpu\n"])
def test_devices_that_are_none(device):
    with pytest.raises(errors.UsageError, match="device"):
        require_device(device)


def test_a_package_that_a_job_needs_and_lacks(monkeypatch):
    spec = registry.JobSpec("gizmo", "rs_copilot.jobs.gizmo_that_is_not", "Params")
    monkeypatch.setattr(registry, "JOBS", (*JOBS, spec))
    with pytest.raises(errors.MissingDependencyError, match="gizmo"):
        run_job("gizmo", {}, JobContext())


def test_a_package_that_turns_out_missing_while_the_job_runs(monkeypatch):
    module = ModuleType("rs_copilot.jobs.lazy")

    class Params(BaseModel):
        pass

    def run(params, context):
        import package_that_is_not_there  # noqa: F401

    module.Params, module.run = Params, run
    monkeypatch.setitem(sys.modules, "rs_copilot.jobs.lazy", module)
    monkeypatch.setattr(registry, "JOBS", (registry.JobSpec("lazy", "rs_copilot.jobs.lazy", "Params"),))
    with pytest.raises(ModuleNotFoundError) as caught:
        run_job("lazy", {}, JobContext())
    assert known_error(caught.value).code == "missing-dependency"


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (errors.RasterError("x"), "bad-raster", 3),
        (KeyboardInterrupt(), "cancelled", 130),
        (MemoryError(), "out-of-memory", 5),
        (OSError(errno.ENOSPC, "full"), "storage", 3),
        (PermissionError(errno.EACCES, "no"), "storage", 3),
        (OSError(errno.EIO, "odd"), "internal", 5),
        (ModuleNotFoundError("x", name="x"), "missing-dependency", 4),
        (ZeroDivisionError(), "internal", 5),
    ],
    ids=repr,
)
def test_what_exceptions_mean(error, code, exit_code):
    known = known_error(error)
    assert (known.code, known.exit_code) == (code, exit_code)
    assert known.message
