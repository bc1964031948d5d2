"""Detections out of answers: rectangles, tiles, and what is reported of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.detection.boxes import quads_of, turned_quads
from rs_copilot.evaluation.detection import Boxes
from rs_copilot.evaluation.detection_data import read_boxes, write_dota_results
from rs_copilot.evaluation.spoken import (
    PADDING_RGB,
    TileAnswer,
    as_rectangles,
    cut_out,
    merge_tiles,
    reshaped,
    said_boxes,
    tiles_of,
)
from rs_copilot.evaluation.spoken_scores import (
    at_least,
    least_score,
    renamed,
    repository_f1_of_scores,
    score_spoken,
)
from rs_copilot.types import SizeWH
from rs_copilot.vlm.answers import Parsed, Shape, Spoken
from rs_copilot.vlm.families import Coordinates


@pytest.mark.parametrize(("width", "tiles"), [(300, 1), (512, 1), (513, 2), (924, 2), (925, 3), (4000, 10)])
def test_as_many_tiles_as_the_published_splitter_makes(width: int, tiles: int):
    """1 up to 512 pixels, then ceil((W - 512) / 412) + 1; the last one ends flush."""
    windows = [tile.window_px for tile in tiles_of(SizeWH(width, 200))]
    assert len(windows) == tiles
    assert windows[-1][2] == max(width, 512)
    assert [x2 - x1 for x1, _, x2, _ in windows] == [512] * tiles


def test_small_pictures_are_filled_up_with_the_mean_colour():
    (tile,) = tiles_of(SizeWH(300, 200))
    part = cut_out(np.zeros((200, 300, 3), np.uint8), tile)
    assert part.shape == (512, 512, 3)
    assert not part[:200, :300].any()
    assert (part[200:] == PADDING_RGB).all()
    assert (part[:, 300:] == PADDING_RGB).all()


@given(st.floats(10, 90), st.floats(10, 90), st.floats(2, 60), st.floats(2, 60), st.floats(0, 3.1))
def test_the_rectangle_around_a_rectangle_is_itself(x: float, y: float, w: float, h: float, angle: float):
    quads = turned_quads(np.array([[x, y]]), np.array([[w, h]]), np.array([angle]))
    found = as_rectangles(quads)[0]
    distances = np.linalg.norm(found[:, None] - quads[0][None], axis=2).min(axis=1)
    assert distances.max() < 0.01 * max(w, h) + 1e-3


def test_answers_in_pixels_and_in_thousandths():
    quad = quads_of(np.array([[100.0, 50.0, 300.0, 150.0]]))[0]
    parsed = Parsed((Spoken("ship", quad, Shape.HBB, 0),))
    pixels = said_boxes(parsed, SizeWH(504, 504), SizeWH(1008, 252), Coordinates.SEEN_PX)
    assert pixels.quads_px[0, 2].tolist() == [600.0, 75.0]
    thousandths = said_boxes(parsed, SizeWH(504, 504), SizeWH(2000, 1000), Coordinates.PER_MILLE)
    assert thousandths.quads_px[0, 2].tolist() == [600.0, 150.0]
    assert len(said_boxes(Parsed(()), SizeWH(9, 9), SizeWH(9, 9), Coordinates.SEEN_PX)) == 0


def test_of_an_object_in_two_tiles_the_one_seen_whole_stays():
    # Seen by both tiles; the right one says it a pixel further right.
    left = TileAnswer((0, 0, 512, 512), Boxes.of(quads_of(np.array([[440.0, 80, 490, 110]])), "ship"))
    right = TileAnswer((412, 0, 924, 512), Boxes.of(quads_of(np.array([[29.0, 80, 79, 110]])), "ship"))
    for order in ([left, right], [right, left]):
        merged = merge_tiles(order)
        # Its centre lies 47 pixels from the border of the left tile, and 54 from that of the right one.
        assert merged.quads_px[:, 0].tolist() == [[441.0, 80.0]]
    # Another class, or another place, is another object.
    other = TileAnswer((412, 0, 924, 512), Boxes.of(quads_of(np.array([[29.0, 80, 79, 110]])), "harbor"))
    assert len(merge_tiles([left, other])) == 2
    assert len(merge_tiles([])) == 0


def test_results_in_dotas_form_can_be_read_back(tmp_path: Path):
    found = {"P1": Boxes.of(quads_of(np.array([[1.0, 2.0, 30.004, 40.0]])), "small vehicle")}
    paths = write_dota_results(tmp_path, found, {"small vehicle": "small-vehicle", "ship": "ship"})
    assert [path.name for path in paths] == ["Task1_small-vehicle.txt", "Task1_ship.txt"]
    assert paths[0].read_text() == "P1 1.00 1.00 2.00 30.00 2.00 30.00 40.00 1.00 40.00\n"
    assert read_boxes(tmp_path)["P1"].names.tolist() == ["small-vehicle"]


def test_figures_by_hand():
    """Two ships, both found and one invented; a harbor that is missed; nothing said of an empty picture."""
    ships = quads_of(np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]]))
    harbor = quads_of(np.array([[50.0, 0, 60, 10]]))
    truth = {
        "a": Boxes.of(np.concatenate([ships, harbor]), ["ship", "ship", "harbor"]),
        "b": Boxes.of(np.zeros((0, 4, 2)), []),
    }
    wrong = quads_of(np.array([[80.0, 0, 90, 10]]))
    found = {"a": Boxes.of(np.concatenate([ships, wrong]), "ship")}
    score = score_spoken(truth, found)
    values = score.values
    # As they came: precision 1 up to recall 1. Drawn: between 2/3 (wrong one first) and 1.
    assert values["ap_nc_50_constant"] == pytest.approx((1.0 + 0.0) / 2)
    assert 1 / 3 <= values["ap_nc_50"] <= 1 / 2
    assert values["ap_nc_50_std"] > 0.0
    assert values["mf1"] == pytest.approx((4 / 5 + 0.0) / 2)
    assert values["micro_f1"] == pytest.approx(4 / 6)
    # Ship 2 of 3 said and 2 of 2 true, harbor 0, background 0: P = 2/9, R = 1/3.
    assert values["f1_repository"] == pytest.approx(2 * (2 / 9) * (1 / 3) / (2 / 9 + 1 / 3))
    assert score.classes["harbor"]["missed"] == 1


def test_the_score_to_cut_detectors_at():
    true = quads_of(np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]]))
    noise = quads_of(np.array([[x, 50.0, x + 9, 60.0] for x in range(0, 100, 10)]))
    truth = {"a": Boxes.of(true, "ship")}
    scores = np.concatenate([[0.9, 0.8], np.full(10, 0.42)])
    found = {"a": Boxes.of(np.concatenate([true, noise]), "ship", scores)}
    assert least_score(truth, found) == pytest.approx(0.45)
    assert least_score(truth, {"a": Boxes.of(true, "ship")}) is None
    mean, most = repository_f1_of_scores(truth, found)
    assert most == pytest.approx(0.5)
    assert mean < most
    assert len(at_least(found, 0.85)["a"]) == 1


def test_other_names():
    boxes = {"a": Boxes.of(quads_of(np.array([[0.0, 0, 1, 1], [2, 2, 3, 3]])), ["small-vehicle", "kite"])}
    assert renamed(boxes, {"small-vehicle": "small vehicle"})["a"].names.tolist() == ["small vehicle"]
    bow_tie = Boxes.of(np.array([[[0.0, 0], [10, 10], [10, 0], [0, 10]]]), "ship")
    for as_quads in (True, False):
        assert np.ptp(reshaped(bow_tie, as_quads=as_quads).quads_px, axis=1).tolist() == [[10.0, 10.0]]
