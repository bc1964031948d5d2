"""Detectors by the names that people give them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rs_copilot.detection.calibration import Calibrated, read_calibration
from rs_copilot.detection.found import Detector
from rs_copilot.errors import MissingDependencyError, UsageError

SHIPPED = Path(__file__).parents[1] / "detection" / "weights"
DEFAULT = "vehicles-s"
# How the method of rows begins that a detector found.
METHOD = "detector"
# With a calibration: what the network itself leaves out, and what is as likely wrong as right.
MIN_RAW_SCORE, MIN_PROBABILITY = 0.05, 0.5
HINT = f"Give {DEFAULT}, onnx:FILE, hf:FOLDER or motion."


@dataclass(frozen=True)
class DetectorSpec:
    """Which detector, for what: all that another process needs to open the same one.

    ``name`` is a shipped network, ``onnx:FILE`` or ``hf:FOLDER``; ``classes`` are names of classes, or
    phrases for a detector that understands them; ``thresholds`` pairs of a class and its lowest score;
    with ``calibration``, a file, scores are probabilities.
    """

    name: str = DEFAULT
    classes: tuple[str, ...] = ()
    min_score: float | None = None
    thresholds: tuple[tuple[str, float], ...] = ()
    calibration: str | None = None

    @property
    def method(self) -> str:
        """How rows say who found them: what one detector found is replaced by the same one only."""
        kind, _, place = self.name.partition(":")
        return f"{METHOD} {Path(place).name if place else kind}"


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
    if spec.calibration is not None:
        calibration = read_calibration(Path(spec.calibration))
        # What counts is decided by probability, so that the network itself leaves out next to nothing.
        raw = replace(spec, calibration=None, min_score=MIN_RAW_SCORE, thresholds=())
        lowest = spec.min_score if spec.min_score is not None else MIN_PROBABILITY
        return Calibrated(open_detector(raw, device, threads), calibration, lowest)
    kind, _, place = spec.name.partition(":")
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


def _unknown(name: str) -> Exception:
    if name == DEFAULT:
        return MissingDependencyError(
            f"The weights of {DEFAULT} are not part of this installation.",
            hint="Install RS Copilot from its wheel or zip, or give a network with onnx:FILE.",
        )
    if name == "vlm":
        return MissingDependencyError(
            "Detection by a vision-language model is not part of this version.", hint=HINT
        )
    return UsageError(f"No detector is called {name!r}.", hint=HINT)
