"""Objects that tiles cut to pieces come out whole and once."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.detection import boxes
from rs_copilot.detection.found import Found
from rs_copilot.detection.seams import is_cut, merge_across_seams
from rs_copilot.types import FloatArray

TILE, OVERLAP = 100.0, 30.0


def grid(columns: int, rows: int) -> FloatArray:
    step = TILE - OVERLAP
    return np.array(
        [[c * step, r * step, c * step + TILE, r * step + TILE] for r in range(rows) for c in range(columns)]
    )


def seen(
    objects: FloatArray, tiles: FloatArray, min_px: float = 3.0
) -> tuple[FloatArray, np.ndarray, np.ndarray]:
    """What a perfect detector sees: boxes cut at the borders of tiles, with their objects and tiles."""
    rows = []
    for number, box in enumerate(objects):
        for tile, edge in enumerate(tiles):
            part = np.concatenate([np.maximum(box[:2], edge[:2]), np.minimum(box[2:], edge[2:])])
            if (part[2:] - part[:2] >= min_px).all():
                rows.append((part, number, tile))
    parts, numbers, of = zip(*rows, strict=True)
    return np.array(parts), np.array(numbers), np.array(of)


def as_found(parts: FloatArray, scores: FloatArray, labels: np.ndarray | None = None) -> Found:
    quads = boxes.quads_of(parts).astype(np.float32)
    labels = np.zeros(len(parts)) if labels is None else labels
    return Found(quads, scores.astype(np.float32), labels.astype(np.int32))


def same(first: Found, second: Found) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("quads_px", "scores", "labels")
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_object_once_and_whole_in_any_order(seed: int) -> None:
    """Objects of up to three tiles, apart from each other, in three by three tiles."""
    rng = np.random.default_rng(seed)
    tiles = grid(3, 3)
    objects = np.array(
        [
            [
                x + rng.uniform(0, 20),
                y + 4,
                x + rng.uniform(26, 225 if x < 10 else 38),
                y + rng.uniform(12, 34),
            ]
            for y in range(0, 200, 40)
            for x in ((4,) if rng.uniform() < 0.4 else (20, 70, 120, 170))
        ]
    )
    parts, numbers, of = seen(objects, tiles)
    scores = rng.uniform(0.3, 1.0, len(parts))
    merged = merge_across_seams(as_found(parts, scores), of, tiles)
    assert len(merged) == len(objects)
    order = np.argmin(np.abs(merged.bounds_px[:, None] - objects[None]).sum(axis=2), axis=1)
    assert sorted(order) == list(range(len(objects)))
    assert np.abs(merged.bounds_px - objects[order]).max() <= 4.0
    mixed, renamed = rng.permutation(len(parts)), rng.permutation(len(tiles))
    back = np.empty_like(renamed)
    back[renamed] = np.arange(len(tiles))
    again = merge_across_seams(as_found(parts[mixed], scores[mixed]), back[of[mixed]], tiles[renamed])
    assert same(merged, again)
    assert (np.diff(merged.scores) <= 0).all()
    assert set(numbers) == set(range(len(objects)))


def test_a_stump_gives_way_to_the_whole_even_if_it_is_surer() -> None:
    tiles = grid(2, 1)
    parts, _, of = seen(np.array([[60.0, 10.0, 90.0, 30.0], [72.0, 50.0, 140.0, 60.0]]), tiles)
    scores = np.where((parts[:, 0] == 70.0) | (parts[:, 2] == 100.0), 0.99, 0.5)
    merged = merge_across_seams(as_found(parts, scores), of, tiles)
    assert sorted(merged.bounds_px.tolist()) == [[60.0, 10.0, 90.0, 30.0], [72.0, 50.0, 140.0, 60.0]]


def test_stumps_of_different_classes_or_places_stay_apart() -> None:
    tiles = grid(2, 1)
    parts = np.array([[10.0, 10.0, 100.0, 30.0], [70.0, 10.0, 160.0, 30.0]])
    found = as_found(parts, np.array([0.5, 0.6]), np.array([0, 1]))
    assert len(merge_across_seams(found, np.array([0, 1]), tiles)) == 2
    apart = as_found(np.array([[10.0, 10.0, 100.0, 30.0], [70.0, 28.0, 160.0, 48.0]]), np.array([0.5, 0.6]))
    assert len(merge_across_seams(apart, np.array([0, 1]), tiles)) == 2


def test_boxes_of_one_tile_are_left_alone() -> None:
    parts = np.array([[10.0, 10.0, 50.0, 30.0], [11.0, 10.0, 50.0, 30.0]])
    found = as_found(parts, np.array([0.5, 0.6]))
    assert len(merge_across_seams(found, np.array([0, 0]), grid(2, 1))) == 2


def test_a_turned_object_keeps_its_direction() -> None:
    """A ship across the seam: each tile sees what is up to its border, at the same angle."""
    angle = 0.3
    tiles = grid(2, 1)

    def ship(start: float, end: float) -> FloatArray:
        middle = np.array([[100.0 * np.cos(angle), 100.0 * np.sin(angle)]]) * (start + end) / 200.0
        return boxes.turned_quads(middle + [0.0, 20.0], np.array([[end - start, 12.0]]), np.array([angle]))

    parts = np.concatenate([ship(30.0, 104.0), ship(72.0, 150.0)]).astype(np.float32)
    found = Found(parts, np.array([0.5, 0.7], np.float32), np.zeros(2, np.int32))
    merged = merge_across_seams(found, np.array([0, 1]), tiles)
    assert len(merged) == 1
    assert merged.scores[0] == np.float32(0.7)
    assert boxes.ious(merged.quads_px, ship(30.0, 150.0))[0] > 0.999


def test_outlines_are_joined_too() -> None:
    tiles = grid(2, 1)
    parts = np.array([[10.0, 10.0, 100.0, 30.0], [70.0, 10.0, 160.0, 30.0]])
    found = as_found(parts, np.array([0.5, 0.6]))
    outlines = tuple(quad + np.float32(0.0) for quad in found.quads_px)
    drawn = Found(found.quads_px, found.scores, found.labels, outlines)
    merged = merge_across_seams(drawn, np.array([0, 1]), tiles)
    assert merged.outlines_px is not None
    assert shapely.Polygon(merged.outlines_px[0]).equals(shapely.box(10, 10, 160, 30))


def test_nothing_is_merged_to_nothing_and_mistakes_are_refused() -> None:
    assert len(merge_across_seams(Found.nothing(), np.zeros(0, np.int64), grid(2, 2))) == 0
    with pytest.raises(ValueError, match="a tile for each"):
        merge_across_seams(Found.nothing(), np.zeros(1, np.int64), grid(2, 2))


def test_what_ends_at_a_border_is_cut() -> None:
    parts = np.array([[1.0, 40.0, 30.0, 60.0], [40.0, 40.0, 60.0, 60.0], [80.0, 40.0, 98.0, 60.0]])
    found = as_found(parts, np.ones(3))
    assert is_cut(found, np.array([0.0, 0.0, 100.0, 100.0])).tolist() == [True, False, True]
