"""What networks run on: sessions of onnxruntime on the processor or a graphics card."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from rs_copilot.errors import BadInputError, MissingDependencyError


def open_session(weights: Path, device: str, threads: int | None = None) -> Any:  # noqa: ANN401  no types
    """An ONNX network, ready to run.

    Args:
        weights: the ONNX file.
        device: ``auto`` (a graphics card where onnxruntime can use one), ``cpu``, ``cuda`` or ``cuda:N``.
        threads: of one inference; without it what OMP_NUM_THREADS allows, else every usable core.

    Raises:
        MissingDependencyError: no onnxruntime, or no such device.
        BadInputError: the file is no network.
    """
    try:
        import onnxruntime as ort
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "The package 'onnxruntime' is needed to run networks and not installed.",
            hint="Install it with `pip install onnxruntime` (or onnxruntime-gpu, never both).",
        ) from error
    providers = _providers(device, ort.get_available_providers())
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or _threads()
    options.log_severity_level = 3
    # A plan of memory by shape adds half to what two threads hold (223 against 170 MB with three convolutions
    # over 640 pixels), and saved no time that could be measured.
    options.enable_mem_pattern = False
    try:
        session = ort.InferenceSession(str(weights), sess_options=options, providers=providers)
    except network_errors() as error:
        raise _unusable(weights, str(error)) from error
    if device.startswith("cuda") and session.get_providers()[0] != "CUDAExecutionProvider":
        raise _no_cuda("onnxruntime could not start CUDA and fell back to the processor")
    return session


def network_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises about a network or its inputs: its errors have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    return (
        *(errors.Fail, errors.EPFail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf),
        *(errors.NoModel, errors.NoSuchFile, errors.NotFound, errors.NotImplemented, errors.RuntimeException),
    )


def _unusable(weights: Path, said: str) -> BadInputError:
    """The error of a file that onnxruntime cannot load; it puts C++ signatures before what it means."""
    newer = re.search(r"Unsupported model IR version.*|Opset \d+ is under development.*", said, re.DOTALL)
    if newer is None:
        return BadInputError(f"{weights} is no ONNX network that can be run: {said}")
    return BadInputError(
        f"{weights} was written for a newer onnxruntime than the one installed here: {newer[0]}",
        hint="Update onnxruntime, or export the network again with an older opset, for example 17.",
    )


def used_device(session: Any, device: str) -> str:  # noqa: ANN401  onnxruntime has no types
    """What a session that was asked to run on ``device`` runs on in the end: ``cpu`` or ``cuda:N``."""
    if session.get_providers()[0] != "CUDAExecutionProvider":
        return "cpu"
    return device if ":" in device else "cuda:0"


def _providers(device: str, available: list[str]) -> list[Any]:
    """What onnxruntime shall try, in order."""
    cpu: list[Any] = ["CPUExecutionProvider"]
    if device == "cpu":
        return cpu
    if "CUDAExecutionProvider" not in available:
        if device == "auto":
            return cpu
        raise _no_cuda(f"onnxruntime offers {', '.join(available)}")
    number = int(device.partition(":")[2] or 0)
    return [("CUDAExecutionProvider", {"device_id": number}), *cpu]


def _no_cuda(found: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"The network cannot run on CUDA here: {found}.",
        hint="Replace onnxruntime by onnxruntime-gpu (`pip install rs-copilot[gpu]`), or use --device cpu.",
    )


def _threads() -> int:
    """Threads of one inference: what OMP_NUM_THREADS allows, else every usable core."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
