"""The learned field as a second opinion: its windows join without a seam, and true places stand out in it."""

from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.localization.field_look import FieldFrame, FieldMap
from rs_copilot.localization.field_sweep import field_sweep, swept_px
from rs_copilot.localization.patches import Pyramid
from rs_copilot.localization.search import search
from rs_copilot.localization.sweep import CoarseMap, Hit, Null
from rs_copilot.localization.view import nadir_view
from rs_copilot.retrieval.dense import DENSE_WEIGHTS, DenseNetwork, open_dense

from .test_search import SIZE, frame, reference

PLACE = np.array([331.0, 262.0])


@pytest.fixture(scope="module")
def network() -> DenseNetwork:
    pytest.importorskip("onnxruntime", reason="networks run on onnxruntime")
    found = open_dense()
    if found is None:
        pytest.skip("this checkout has no trained weights")
    return found


def test_windows_are_cut_from_one_seamless_field(network: DenseNetwork) -> None:
    whole = FieldMap(reference(), network).window(2.0, 0, 0, 150)
    pieces = FieldMap(reference(), network)
    assert np.allclose(pieces.window(2.0, 40, 70, 30), whole[:, 40:70, 70:100], atol=0.05)
    assert np.allclose(pieces.window(2.0, 33, 61, 50), whole[:, 33:83, 61:111], atol=0.05)


def test_beyond_the_map_there_is_nothing(network: DenseNetwork) -> None:
    window = FieldMap(reference(), network).window(2.0, -40, -40, 60)
    assert not window[:, :39, :39].any()
    assert window[:, 45:, 45:].any()


def test_the_true_place_stands_out_and_others_do_not(network: DenseNetwork) -> None:
    view = nadir_view(SIZE, 150.0, 40.0)
    seen = FieldFrame(Pyramid.of(frame(view, PLACE)), FieldMap(reference(), network))
    null = Null(0.05, 10.0)
    true = seen.look(Hit(view, PLACE + 3.0, 0.5, null), 100.0, 0.06)
    wrong = seen.look(Hit(view, PLACE + [-120.0, 80.0], 0.5, null), 100.0, 0.06)
    assert true.value > 0.6
    assert true.z > 8.0
    assert wrong.z < 5.0


def test_a_search_with_learned_fields_finds_the_place_and_says_how_it_stands_out(
    network: DenseNetwork,
) -> None:
    image, near = frame(nadir_view(SIZE, 150.0, 127.0), PLACE), reference()
    views = [nadir_view(SIZE, w, a) for w in (120.0, 144.0, 173.0) for a in range(0, 360, 10)]
    found = search(image, views, CoarseMap(near), near.bounds_m, fields=FieldMap(near, network))
    assert np.linalg.norm(found[0].center_xy_m - PLACE) < 4.0
    assert found[0].learned_z is not None
    assert found[0].learned_z > 6.0
    assert found[0].margin > 1.3
    assert [one.height for one in found] == sorted((one.height for one in found), reverse=True)


def test_the_learned_field_alone_finds_the_place_within_bounds(network: DenseNetwork) -> None:
    view = nadir_view(SIZE, 150.0, 40.0)
    seen = FieldFrame(Pyramid.of(frame(view, PLACE)), FieldMap(reference(), network))
    views, bounds = [view.turned(turn, 1.0) for turn in (0.0, 90.0)], (250.0, 200.0, 420.0, 340.0)
    found = field_sweep(seen, views, bounds, 75.0, 8, Null(0.05, 10.0))
    assert np.linalg.norm(found[0].center_xy_m - PLACE) < 6.0
    assert found[0].view is views[0]
    assert len(found) <= 8
    for hit in found:
        assert np.all(hit.center_xy_m >= np.array(bounds[:2]) - 5.0)
        assert np.all(hit.center_xy_m <= np.array(bounds[2:]) + 5.0)
    assert swept_px(seen, views, bounds, 75.0) == pytest.approx(2 * 170 * 140 / 4.0, rel=0.01)


def test_without_weights_there_is_no_network() -> None:
    assert open_dense(DENSE_WEIGHTS.with_name("nothing.onnx")) is None


def test_sides_that_the_network_cannot_halve_twice_are_refused(network: DenseNetwork) -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        network.field(np.zeros((30, 32, 3), np.uint8), np.ones((30, 32), bool))
