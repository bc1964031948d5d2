"""Segmenters by the names that people give them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rs_copilot.errors import UsageError
from rs_copilot.segmentation.network import open_segmenter
from rs_copilot.segmentation.segmenter import Segmenter

HINT = "Give onnx:FILE for a whole raster, or sam:FOLDER with --point or --box."


@dataclass(frozen=True)
class SegmenterSpec:
    """Which network, for which of its classes (all without any): what another process needs to open it."""

    name: str
    classes: tuple[str, ...] = ()


def open_named(spec: SegmenterSpec, device: str = "auto", threads: int | None = None) -> Segmenter:
    """Load a segmenter.

    Raises:
        UsageError: no such segmenter, or a class that it does not know.
        BadInputError: the file is no segmenter.
        MissingDependencyError: packages or the device are missing.
    """
    kind, _, place = spec.name.partition(":")
    if kind != "onnx" or not place:
        raise UsageError(f"No segmenter is called {spec.name!r}.", hint=HINT)
    segmenter = open_segmenter(Path(place), device=device, threads=threads)
    wanted_numbers(segmenter, spec.classes)
    return segmenter


def wanted_numbers(segmenter: Segmenter, classes: tuple[str, ...]) -> list[int] | None:
    """Numbers of the classes named; ``None`` for all but the background.

    Raises:
        UsageError: a class that the segmenter does not know.
    """
    if not classes:
        return None
    known = {name: number for number, name in enumerate(segmenter.class_names) if number}
    unknown = [name for name in classes if name not in known]
    if unknown:
        raise UsageError(
            f"{segmenter.model} knows no class {', '.join(unknown)}",
            hint=f"Its classes: {', '.join(list(known)[:20])}.",
        )
    return [known[name] for name in classes]
