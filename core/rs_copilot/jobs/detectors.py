"""Detectors by the names that people give them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rs_copilot.detection.calibration import Calibrated, read_calibration
from rs_copilot.detection.found import Detector
from rs_copilot.errors import MissingDependencyError, UsageError
from rs_copilot.jobs.backends import HINT as MODEL_HINT
from rs_copilot.jobs.backends import BackendSpec, open_backend
from rs_copilot.jobs.context import JobContext

if TYPE_CHECKING:
    from rs_copilot.vlm.backend import Backend
    from rs_copilot.vlm.detector import VlmDetector

SHIPPED = Path(__file__).parents[1] / "detection" / "weights"
DEFAULT = "vehicles-s"
# How the method of rows begins that a detector found.
METHOD = "detector"
# With a calibration: what the network itself leaves out, and what is as likely wrong as right.
MIN_RAW_SCORE, MIN_PROBABILITY = 0.05, 0.5
HINT = f"Give {DEFAULT}, onnx:FILE, hf:FOLDER, vlm or motion."
VLM = "vlm"


@dataclass(frozen=True)
class DetectorSpec:
    """Which detector, for what: all that another process needs to open the same one.

    ``name`` is a shipped network, ``onnx:FILE``, ``hf:FOLDER``, or ``vlm`` with a ``backend``; ``classes``
    are names of classes, or phrases for a detector that understands them; ``thresholds`` pairs of a class
    and its lowest score; with ``calibration``, a file, scores are probabilities. A vision-language model is
    shown tiles enlarged with ``max_mode``, and with ``fuse`` also as they are.
    """

    name: str = DEFAULT
    classes: tuple[str, ...] = ()
    min_score: float | None = None
    thresholds: tuple[tuple[str, float], ...] = ()
    calibration: str | None = None
    backend: BackendSpec | None = None
    max_mode: bool = False
    fuse: bool = False

    @property
    def has_scores(self) -> bool:
        """Whether what it finds has scores; a vision-language model names objects without."""
        return self.name != VLM

    @property
    def method(self) -> str:
        """How rows say who found them: what one detector found is replaced by the same one only."""
        kind, _, place = self.name.partition(":")
        if self.backend is not None:
            return f"{METHOD} {VLM} {self.backend.name}"
        return f"{METHOD} {Path(place).name if place else kind}"


@contextmanager
def lent_detector(spec: DetectorSpec, context: JobContext, threads: int | None = None) -> Iterator[Detector]:
    """A detector for the time of a job; a vision-language model goes back to the shelf that keeps it.

    Raises:
        RsCopilotError: what `open_detector` raises.
    """
    if spec.name != VLM:
        yield open_detector(spec, context.device, threads)
        return
    from rs_copilot.jobs.shelf import shelf_of

    backend = _backend_of(spec)
    with shelf_of(context) as shelf, shelf.borrow(backend, context.device) as lent:
        detector = _asking(lent, spec)
        detector.is_cancelled = context.cancelled.is_set
        yield detector
        for text in detector.unread.words():
            context.warn(text)


def open_detector(spec: DetectorSpec, device: str = "auto", threads: int | None = None) -> Detector:
    """Load a detector.

    Args:
        spec: which one.
        device: where it runs.
        threads: of one picture; without it what the machine has.

    Raises:
        UsageError: no such detector, or a class that it does not know.
        BadInputError: the file is no detector.
        MissingDependencyError: packages, weights or the device are missing.
    """
    if spec.calibration is not None and spec.has_scores:
        calibration = read_calibration(Path(spec.calibration))
        # What counts is decided by probability, so that the network itself leaves out next to nothing.
        raw = replace(spec, calibration=None, min_score=MIN_RAW_SCORE, thresholds=())
        lowest = spec.min_score if spec.min_score is not None else MIN_PROBABILITY
        return Calibrated(open_detector(raw, device, threads), calibration, lowest)
    kind, _, place = spec.name.partition(":")
    if kind == VLM:
        return _asking(open_backend(_backend_of(spec), device), spec)
    if kind == "hf" and place:
        from rs_copilot.learned.zero_shot import open_zero_shot

        return open_zero_shot(place, spec.classes, min_score=spec.min_score, device=device)
    path = Path(place) if kind == "onnx" and place else SHIPPED / f"{spec.name}.onnx"
    if kind != "onnx" and not path.is_file():
        raise _unknown(spec.name)
    from rs_copilot.detection.onnx_detector import open_onnx_detector

    return open_onnx_detector(
        path,
        classes=spec.classes or None,
        min_score=spec.min_score,
        per_class=dict(spec.thresholds) or None,
        device=device,
        threads=threads,
    )


def _backend_of(spec: DetectorSpec) -> BackendSpec:
    if spec.min_score is not None or spec.thresholds or spec.calibration is not None:
        raise UsageError("--min-score, --calibration: a vision-language model gives no scores.")
    if spec.backend is None:
        raise MissingDependencyError("No vision-language model was named.", hint=f"--model: {MODEL_HINT}")
    return spec.backend


def _asking(backend: Backend, spec: DetectorSpec) -> VlmDetector:
    from rs_copilot.vlm.detector import DOTA, Sizes, VlmDetector

    sizes = Sizes(plain=spec.fuse or not spec.max_mode, largest=spec.fuse or spec.max_mode)
    return VlmDetector(backend, spec.classes or DOTA, sizes)


def _unknown(name: str) -> Exception:
    if name == DEFAULT:
        return MissingDependencyError(
            f"The weights of {DEFAULT} are not part of this installation.",
            hint="Install RS Copilot from its wheel or zip, or give a network with onnx:FILE.",
        )
    return UsageError(f"No detector is called {name!r}.", hint=HINT)
