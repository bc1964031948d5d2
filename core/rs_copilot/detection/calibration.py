"""What a detector's scores are worth in one area: a table from scores to probabilities for each class.

Scores of networks order objects; how many of those with 0.6 are real depends on the imagery. A table that was
fitted on labelled objects of the user's own says it, and `Calibrated` puts it behind a detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rs_copilot.detection.found import Detector, Found
from rs_copilot.errors import BadInputError
from rs_copilot.types import ByteImage, Float32Array, SizeWH

HINT = "Give a file that `rs-copilot eval calibration` wrote."


class Curve(BaseModel):
    """One class: probabilities at rising scores, straight in between, and how many objects they rest on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scores: list[float] = Field(min_length=1)
    probabilities: list[float] = Field(min_length=1)
    objects: int = Field(ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Curve:
        values = np.array([*self.scores, *self.probabilities])
        if len(self.scores) != len(self.probabilities) or not ((values >= 0) & (values <= 1)).all():
            raise ValueError("expected as many probabilities as scores, all from 0 to 1")
        if (np.diff(self.scores) < 0).any() or (np.diff(self.probabilities) < 0).any():
            raise ValueError("expected scores and probabilities that rise")
        return self


class Calibration(BaseModel):
    """Curves by class, of one network."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    model_hash: str | None
    classes: dict[str, Curve]

    def probabilities(self, found: Found, names: tuple[str, ...]) -> Float32Array:
        """Scores as probabilities; a class without a curve keeps its scores. Shape (N,)."""
        scores = found.scores.copy()
        for number, name in enumerate(names):
            own, curve = found.labels == number, self.classes.get(name)
            if curve is not None and own.any():
                scores[own] = np.interp(found.scores[own], curve.scores, curve.probabilities)
        return np.asarray(scores, dtype=np.float32)


def read_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        BadInputError: there is none, or it cannot be used.
    """
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"expected a calibration, found nothing at {path}", hint=HINT) from error
    except ValidationError as error:
        raise BadInputError(
            f"{path} is no calibration that can be used: {error.errors()[0]['msg']}", hint=HINT
        ) from error


@dataclass(frozen=True)
class Calibrated:
    """A detector whose scores are probabilities; objects below ``min_score`` are left out."""

    detector: Detector
    calibration: Calibration
    min_score: float

    def __post_init__(self) -> None:
        made_for = self.calibration.model_hash
        if made_for is not None and made_for != self.detector.sha256:
            raise BadInputError(
                f"the calibration was made for {self.calibration.model} ({made_for[:12]}…), "
                f"but this network is {self.detector.model}",
                hint="Fit it again for this network: rs-copilot eval calibration.",
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """As the detector's."""
        return self.detector.class_names

    @property
    def tile(self) -> SizeWH:
        """As the detector's."""
        return self.detector.tile

    @property
    def overlap_px(self) -> int:
        """As the detector's."""
        return self.detector.overlap_px

    @property
    def gsd_m(self) -> float | None:
        """As the detector's."""
        return self.detector.gsd_m

    @property
    def batch(self) -> int:
        """As the detector's."""
        return self.detector.batch

    @property
    def device(self) -> str:
        """As the detector's."""
        return self.detector.device

    @property
    def model(self) -> str:
        """As the detector's."""
        return self.detector.model

    @property
    def sha256(self) -> str | None:
        """As the detector's."""
        return self.detector.sha256

    def detect(self, images: ByteImage) -> list[Found]:
        """What is in the pictures, with probabilities for scores."""
        return [self._judged(found) for found in self.detector.detect(images)]

    def _judged(self, found: Found) -> Found:
        scores = self.calibration.probabilities(found, self.class_names)
        judged = Found(found.quads_px, scores, found.labels, found.outlines_px)
        return judged.take(np.asarray(scores >= self.min_score, dtype=np.bool_))
