"""Higher order tracking accuracy (Luiten et al., IJCV 2021) through `trackeval`, beside MOTA and IDF1."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.errors import MissingDependencyError
from rs_copilot.evaluation.mot import MATCH_RADIUS_M, Moving, moments

_HINT = "Install it with: pip install 'rs-copilot[eval]'"


@dataclass(frozen=True)
class HotaScore:
    """Means over localisation thresholds 0.05 to 0.95; ``hota`` is about the geometric mean of detection
    (``det_a``) and association (``ass_a``) accuracy, ``loc_a`` how near matches are.
    """

    hota: float
    det_a: float
    ass_a: float
    loc_a: float


def hota(truth: Sequence[Moving], tracks: Sequence[Moving], *, radius_m: float = MATCH_RADIUS_M) -> HotaScore:
    """HOTA of points: similarity falls from 1 at distance 0 to 0 at the reach of an object, as the paper
    proposes for representations without overlap. Moments that do not count are treated as in
    `mot.clear_mot`.

    Raises:
        MissingDependencyError: trackeval is not installed.
    """
    try:
        # It announces deprecations and timings on the console.
        with contextlib.redirect_stdout(io.StringIO()):
            from trackeval.metrics import HOTA
    except ModuleNotFoundError as error:
        raise MissingDependencyError("HOTA needs the package trackeval", hint=_HINT) from error
    gold, said, similarities = [], [], []
    for wanted, here, distances in moments(truth, tracks, radius_m):
        gold.append(np.array(wanted, dtype=int))
        said.append(np.array(here, dtype=int))
        similarities.append(np.nan_to_num(1.0 - distances, nan=0.0).clip(0.0, 1.0))
    data = {
        "gt_ids": gold,
        "tracker_ids": said,
        "similarity_scores": similarities,
        "num_gt_ids": len(truth),
        "num_tracker_ids": len(tracks),
        "num_gt_dets": sum(map(len, gold)),
        "num_tracker_dets": sum(map(len, said)),
    }
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(invalid="ignore", divide="ignore"):
        found = HOTA().eval_sequence(data)
    return HotaScore(*(float(np.mean(found[name])) for name in ("HOTA", "DetA", "AssA", "LocA")))
