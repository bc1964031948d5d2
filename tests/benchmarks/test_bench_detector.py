"""The parts of the detector's benchmark that need neither weights nor imagery."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks import detector
from rs_copilot.evaluation.detection import Boxes, quad_overlaps


def slab(x: float, y: float) -> np.ndarray:
    """A car's box at 0.25 m, turned by 30 degrees."""
    return np.asarray(cv2.boxPoints(((x, y), (18.0, 8.0), 30.0)), dtype=np.float64)


def test_blobs_finds_what_stands_out_and_has_a_vehicles_size() -> None:
    picture = np.full((160, 160, 3), 90, dtype=np.uint8)
    cv2.fillConvexPoly(picture, np.round(slab(60, 60)).astype(int), (220, 220, 220))
    cv2.rectangle(picture, (100, 100), (103, 103), (20, 20, 20), -1)
    found = detector.blobs(picture)
    assert len(found) == 1
    assert quad_overlaps(found.quads_px, slab(60, 60)[None])[0, 0] > 0.6


def test_only_the_best_of_overlapping_boxes_is_kept() -> None:
    quads = np.array([slab(50, 50), slab(52, 50), slab(90, 90)])
    kept = detector.once(Boxes.of(quads, "vehicle", np.array([0.5, 0.9, 0.7])))
    assert kept.scores.tolist() == [0.9, 0.7]


def test_a_coarser_picture_keeps_its_truth_in_place() -> None:
    picture = np.zeros((200, 300, 3), dtype=np.uint8)
    made = detector.resampled(picture, 0.1, slab(100, 80)[None], coarser_m=0.5)
    assert made.picture.shape == (80, 120, 3)
    assert np.allclose(made.truth.quads_px.mean(axis=(0, 1)), [40, 32])
    within = detector.Labelled(made.picture, made.truth, only=((0, 0, 30, 30),))
    assert len(within.kept(made.truth)) == 0
    assert len(made.kept(made.truth)) == 1


def test_rows_say_what_was_found() -> None:
    item = detector.Labelled(np.zeros((8, 8, 3), np.uint8), Boxes.of([slab(50, 50), slab(90, 90)], "vehicle"))
    half = Boxes.of([slab(50, 50), slab(200, 200)], "vehicle", np.array([0.9, 0.2]))
    ((title, kind, wanted, *shares),) = detector.scored("t", "d", lambda _: half, iter([item]), 0.5)
    assert (title, kind, wanted) == ("t", "d", "2")
    assert shares == ["0.50", "0.50", "0.50", "1.00", "0.50", "0.67"]
