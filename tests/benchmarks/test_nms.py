"""The benchmark of suppression compares methods that agree, and draws what it measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import nms
from benchmarks.rows import Kept


@pytest.mark.parametrize(("methods", "turned"), [(nms.HORIZONTAL, False), (nms.TURNED, True)])
def test_methods_keep_the_same_boxes(methods: dict[str, nms.Method], turned: bool) -> None:
    given = nms.candidates(300, turned=turned)
    expected = sorted(nms.ours(given))
    for name, method in methods.items():
        if name != "torchvision nms":
            assert sorted(np.asarray(method(given)).tolist()) == expected, name


def test_lines_and_figure_are_made(tmp_path: Path) -> None:
    counts = (50, 100, 200)
    lines = tuple(tuple(line) for kind in ("horizontal", "turned") for line in nms.rows_of(kind, counts))
    assert {line[1] for line in lines} >= {nms.OURS, "OpenCV NMSBoxes", "loop over shapely"}
    assert all(len(line) == 2 + len(counts) + 2 for line in lines)
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    nms.draw([Kept("nms", "key", "commit", lines)], counts, tmp_path / "nms.png")
    assert (tmp_path / "nms.png").stat().st_size > 1000
