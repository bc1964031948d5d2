"""Boxes over the picture."""

from __future__ import annotations

import pytest

from rs_copilot_plugin.presenters.detections import ClipDetections, Detection, hue_of, parse_box


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


def test_neighbouring_tracks_differ_in_hue():
    assert abs(hue_of(1) - hue_of(2)) > 60
    assert hue_of(None) == 0
