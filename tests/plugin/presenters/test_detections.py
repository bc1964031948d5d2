"""Boxes over the picture."""

from __future__ import annotations

import pytest

from rs_copilot_plugin.presenters.detections import (
    ClipDetections,
    Detection,
    Hit,
    best_hit,
    caption,
    hue_of,
    parse_box,
)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,3,4", (1.0, 2.0, 3.0, 4.0)),
        (" 1.5, 2 ,30,4e1", (1.5, 2.0, 30.0, 40.0)),
        ("", None),
        (None, None),
        ("1,2,3", None),
        ("1,2,3,4,5", None),
        ("3,2,1,4", None),
        ("a,b,c,d", None),
        ("nan,1,2,3", None),
    ],
)
def test_boxes_are_parsed_or_refused(text, box):
    assert parse_box(text) == box


def test_only_the_frame_on_screen_has_boxes():
    found = ClipDetections(
        [Detection(1.0, (0, 0, 1, 1)), Detection(1.0, (2, 2, 3, 3)), Detection(1.1, (0, 0, 9, 9))]
    )
    assert len(found) == 3
    assert len(found.at(1.01)) == 2
    assert found.at(1.09)[0].box_px == (0, 0, 9, 9)
    assert found.at(2.0) == [] and found.at(0.0) == []
    assert ClipDetections().at(0.0) == []


def test_between_two_looks_of_a_detector_tracked_boxes_move_along():
    found = ClipDetections(
        [
            Detection(1.0, (0, 0, 10, 10), "car", 1, fid=1),
            Detection(1.0, (50, 50, 60, 60), "car", None, fid=2),
            Detection(1.4, (40, 0, 50, 20), "car", 1, fid=3),
            Detection(1.4, (70, 70, 80, 80), "car", None, fid=4),
            Detection(9.0, (0, 0, 1, 1), "car", 1, fid=5),
        ]
    )
    (between,) = found.at(1.1)
    assert between.box_px == pytest.approx((10, 0, 20, 12.5))
    assert between.fid == 1 and between.time_s == 1.1
    assert found.at(1.3)[0].fid == 3
    assert len(found.at(1.05)) == 2, "at a frame that was looked at, all are there"
    assert found.at(5.0) == [], "nobody knows what was between frames far apart"


def test_the_smallest_box_under_the_mouse_is_meant():
    found = ClipDetections([Detection(1.0, (0, 0, 100, 100), fid=1), Detection(1.0, (10, 10, 20, 20), fid=2)])
    assert found.hit(1.0, 15, 15).fid == 2 and found.hit(1.0, 50, 50).fid == 1
    assert found.hit(1.0, 200, 50) is None and found.hit(3.0, 15, 15) is None


def test_of_hits_on_the_map_the_clip_that_plays_and_the_nearest_time_are_meant():
    box = (0, 0, 1, 1)
    here, later, other = Hit("a.mp4", 1.0, box), Hit("a.mp4", 8.0, box), Hit("b.mp4", 6.1, box)
    assert best_hit([other, here, later], "a.mp4", 6.0) is later
    assert best_hit([other], "a.mp4", 6.0) is other
    assert best_hit([], "a.mp4", 6.0) is None


def test_only_detectors_give_captions():
    assert caption(Detection(0.0, (0, 0, 1, 1), "car", score=0.876)) == "car 0.88"
    assert caption(Detection(0.0, (0, 0, 1, 1), "vehicle", 3)) == ""


def test_neighbouring_tracks_differ_in_hue():
    assert abs(hue_of(1) - hue_of(2)) > 60
    assert hue_of(None) == 0
