"""The methods beside ours, by name, and the run of one of them on one case."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.fft

from benchmarks.localization.cases import ATTITUDE, NONE, Case
from benchmarks.localization.dense import Answer, DenseMethod, double_angle_field, grey_field
from benchmarks.localization.learned import LearnedMethod, has_dense_weights
from benchmarks.localization.queries import Query, read_queries
from benchmarks.localization.retriever import RetrieverMethod, has_weights
from benchmarks.localization.sift import SiftMethod
from rs_copilot.evaluation.localization_scores import Outcome
from rs_copilot.raster.source import RasterSource, open_raster


class Method(Protocol):
    """Answers single pictures on one map."""

    def answer(self, query: Query) -> Answer:
        """Where the image centre lies."""


MAKERS: dict[str, Callable[[RasterSource], Method]] = {
    "sift-homography": lambda raster: SiftMethod("sift-homography", raster, gated=False),
    "sift-gated": lambda raster: SiftMethod("sift-gated", raster, gated=True),
    "grey-ncc": lambda raster: DenseMethod("grey-ncc", grey_field, raster),
    "double-angle": lambda raster: DenseMethod("double-angle", double_angle_field, raster),
}
if has_weights():
    MAKERS["retriever"] = RetrieverMethod
if has_dense_weights():
    MAKERS["learned-field"] = LearnedMethod
# What a method makes of telemetry: raw SIFT ignores it, gated SIFT is nothing without it.
USES = {
    "sift-homography": (NONE,),
    "sift-gated": (ATTITUDE,),
    "grey-ncc": (ATTITUDE, NONE),
    "double-angle": (ATTITUDE, NONE),
    "retriever": (ATTITUDE, NONE),
    "learned-field": (ATTITUDE,),
}
# Hundreds of views per picture take seconds each.
QUERIES = {ATTITUDE: 40, NONE: 8}


def measure(case: Case, name: str, use: str, limit: int | None) -> tuple[list[Outcome], int, dict[str, Any]]:
    """Outcomes, number of queries, and the seconds that the answers alone took."""
    with open_raster(case.satellite) as raster, scipy.fft.set_workers(os.cpu_count() or 1):
        crs = raster.info.metric_crs
        queries = read_queries(case, use, crs, limit or QUERIES[use])
        method = MAKERS[name](raster)
        cold = time.process_time()
        # The first answer also prepares the map: the figures are of a map that is known already.
        method.answer(queries[0])
        started, cpu = time.monotonic(), time.process_time()
        outcomes = [_outcome(query, method.answer(query)) for query in queries]
    seconds = {"answer_s": time.monotonic() - started, "answer_cpu_s": time.process_time() - cpu}
    seconds["first_answer_cpu_s"] = cpu - cold
    return outcomes, len(queries), seconds


def _outcome(query: Query, answer: Answer) -> Outcome:
    def off_m(place: np.ndarray) -> float:
        return float(np.linalg.norm(place - query.truth_m))

    return Outcome(
        query.name,
        None if answer.center_m is None else off_m(answer.center_m),
        candidates_m=None if answer.candidates_m is None else tuple(map(off_m, answer.candidates_m)),
        area_share=math.inf if answer.center_m is None else answer.area_share,
    )
