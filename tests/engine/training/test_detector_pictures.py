"""What the detector learns from: boxes that fit what is drawn, targets and losses that can be worked out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError
from rs_copilot.simulation.bodies import body_boxes
from rs_copilot.training.detector.loss import _gaussian, assign, detection_loss, hellinger
from rs_copilot.training.detector.measure import measure
from rs_copilot.training.detector.network import PRIOR_PX, STRIDE
from rs_copilot.training.detector.sampler import Batch, Ground, Sampler, boxes_of
from rs_copilot.training.detector.scenes import Scenes, quad_around, read_scenes, write_scenes
from rs_copilot.training.detector.sprites import Sun, draw_vehicle, random_vehicle
from rs_copilot.types import FloatArray, SizeWH


def quad(x: float, y: float, long: float, short: float, angle: float) -> FloatArray:
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2.0
    return np.array([[x, y] + a * long * along + b * short * across for a, b in signs])


@given(st.floats(5, 60), st.floats(0.2, 0.9), st.floats(0, np.pi), st.integers(0, 3))
def test_boxes_name_the_long_side_whichever_corner_is_first(long, share, angle, first):
    corners = np.roll(quad(40, 50, long, share * long, angle), first, axis=0)
    box = boxes_of(corners[None])[0]
    assert box[:4] == pytest.approx([40, 50, long, share * long], rel=1e-4)
    assert np.sin(2 * (box[4] - angle)) == pytest.approx(0.0, abs=1e-3)
    assert np.cos(2 * (box[4] - angle)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_boxes_stay_on_what_they_bound_when_the_ground_is_turned_and_scaled(seed: int):
    """A white slab on black ground: wherever it goes, its box is filled and its surroundings are not."""
    picture = np.zeros((240, 240, 3), dtype=np.uint8)
    slab = quad(120, 110, 60, 24, 0.5)
    cv2.fillConvexPoly(picture, np.round((slab - 0.5) * 32).astype(np.int32), (255, 255, 255), 8, 5)
    ground = Ground("slab", picture, 0.1, slab[None], np.array([True]), drawn_share=0.0)
    sampler = Sampler([ground], np.ones(1), 96, 0.25, varied=False)
    batch = sampler.batch(1, np.random.default_rng(seed))
    if not len(batch.boxes[0]):
        return
    x, y, long, short, angle = batch.boxes[0][0]
    assert (long, short) == pytest.approx((24.0, 9.6), abs=0.1)
    mask = np.zeros((96, 96), dtype=np.uint8)
    cv2.fillConvexPoly(
        mask, np.round((quad(x, y, long - 3, short - 3, angle) - 0.5) * 32).astype(int), 1, 8, 5
    )
    grown = np.zeros((96, 96), dtype=np.uint8)
    wide = quad(x, y, long + 4, short + 4, angle)
    cv2.fillConvexPoly(grown, np.round((wide - 0.5) * 32).astype(int), 1, 8, 5)
    gray = batch.pictures[0][..., 0]
    # Shadows from elsewhere may fall on the slab, and the picture may end inside of it.
    assert np.median(gray[mask > 0]) > 60
    assert gray[(grown == 0)].max() <= np.median(gray[mask > 0])


def test_the_same_generator_draws_the_same_pictures():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)
    ground = Ground("noise", picture, 0.2, np.zeros((0, 4, 2)), np.zeros(0, dtype=bool), drawn_share=1.0)
    sampler = Sampler([ground], np.ones(1), 96, 0.25)
    first, again = (sampler.batch(6, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first.pictures, again.pictures)
    assert sum(map(len, first.boxes)) > 3
    for one, other in zip(first.boxes, again.boxes, strict=True):
        assert np.array_equal(one, other)


@given(st.integers(0, 10_000), st.floats(0, 6.3))
@settings(max_examples=25, deadline=None)
def test_a_drawn_vehicle_keeps_within_its_corners(seed: int, heading: float):
    rng = np.random.default_rng(seed)
    vehicle = random_vehicle(np.array([100.0, 100.0]), heading, rng)
    picture = np.full((200, 200, 3), 140.0, dtype=np.float32)
    draw_vehicle(picture, vehicle, 0.1, Sun(np.zeros(2), 1.0), rng)
    changed = np.argwhere((picture != 140.0).any(axis=2))[:, ::-1] + 0.5
    box = boxes_of(vehicle.quad_px(0.1)[None])[0]
    along = (changed - box[:2]) @ [np.cos(box[4]), np.sin(box[4])]
    across = (changed - box[:2]) @ [-np.sin(box[4]), np.cos(box[4])]
    assert 2 * np.abs(along).max() == pytest.approx(box[2], abs=2.0)
    assert 2 * np.abs(across).max() == pytest.approx(box[3], abs=2.0)


class _Above:
    """Looks straight down: pixels are metres from the north-west corner, 10 to the metre."""

    size = SizeWH(500, 500)

    def project(self, points: FloatArray) -> FloatArray:
        return np.stack([points[:, 0], 50.0 - points[:, 1]], axis=1) * 10.0


def test_the_quad_around_a_rendered_car_has_its_size_and_heading():
    heading = 0.4
    boxes = body_boxes("car", np.array([20.0, 30.0, 0.0]), heading, (0.5, 0.5, 0.5), 1)
    corners = quad_around(_Above(), boxes)
    box = boxes_of(corners[None])[0]
    assert box[:4] == pytest.approx([200, 200, 45, 18.2], abs=0.2)
    # Rows run south: what turns left on the ground turns anticlockwise, to negative angles, on the screen.
    assert np.sin(box[4] + heading) == pytest.approx(0.0, abs=1e-3)


def test_scenes_survive_the_disk_and_other_files_are_refused(tmp_path: Path):
    scenes = Scenes(
        0.15, np.zeros((2, 8, 8, 3), np.uint8), np.ones((3, 4, 2)), np.array([0, 0, 1]), np.ones(3)
    )
    write_scenes(tmp_path / "a.npz", scenes)
    again = read_scenes(tmp_path / "a.npz")
    assert again.gsd_m == 0.15
    assert again.pictures.shape == (2, 8, 8, 3)
    assert again.picture.tolist() == [0, 0, 1]
    np.savez(tmp_path / "b.npz", other=np.zeros(1))
    (tmp_path / "c.npz").write_bytes(b"nothing")
    for name in "bc":
        with pytest.raises(BadInputError):
            read_scenes(tmp_path / f"{name}.npz")


BOX = torch.tensor([[50.0, 50.0, 24.0, 10.0, 0.3]])


def test_hellinger_distance_of_boxes():
    same = hellinger(_gaussian(BOX), _gaussian(BOX))
    # Two equal round Gaussians: Bhattacharyya distance d² / (8 s²), here s² = 12² / 12 and d = 4.
    round_box = torch.tensor([[0.0, 0.0, 12.0, 12.0, 0.0]])
    shifted = round_box + torch.tensor([4.0, 0.0, 0.0, 0.0, 0.0])
    turned = BOX + torch.tensor([0.0, 0.0, 0.0, 0.0, torch.pi])
    assert float(same) == pytest.approx(0.0, abs=2e-3)
    assert float(hellinger(_gaussian(BOX), _gaussian(turned))) == pytest.approx(0.0, abs=2e-3)
    expected = np.sqrt(1.0 - np.exp(-16.0 / (8.0 * 12.0)))
    assert float(hellinger(_gaussian(round_box), _gaussian(shifted))) == pytest.approx(expected, rel=1e-3)
    far = BOX + torch.tensor([900.0, 0.0, 0.0, 0.0, 0.0])
    assert float(hellinger(_gaussian(BOX), _gaussian(far))) == pytest.approx(1.0)


def test_a_network_that_says_the_truth_scores_one():
    class Knows(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return right_answer()

    batch = Batch(np.zeros((1, 128, 128, 3), np.uint8), (BOX.numpy(),), (np.array([True]),))
    found = measure(Knows(), torch.zeros(1, 3, 128, 128), batch)  # type: ignore[arg-type]  # a stand-in
    assert found.precision.mean_at(0.95) == 1.0


def test_places_inside_answer_for_a_vehicle_and_unsure_ones_for_nothing():
    boxes = torch.cat([BOX, torch.tensor([[100.0, 50.0, 24.0, 10.0, 0.0]])])
    targets = assign(boxes, torch.tensor([True, False]), 32, 32)
    owners = targets.owner.reshape(32, 32)
    at = tuple(int(v) for v in (BOX[0, :2] / STRIDE).long())
    assert owners[at[1], at[0]] == 0
    assert 2 <= int((owners == 0).sum()) <= 12
    assert not (owners == 1).any()
    weight = targets.weight.reshape(32, 32)
    assert weight[50 // STRIDE, 100 // STRIDE] == 0.0
    assert weight[0, 0] == 1.0
    nothing = assign(torch.zeros(0, 5), torch.zeros(0, dtype=torch.bool), 4, 4)
    assert (nothing.owner == -1).all()


def right_answer() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and raw boxes of a network that knows the box."""
    owners = assign(BOX, torch.tensor([True]), 32, 32).owner.reshape(32, 32)
    logits = torch.full((1, 1, 32, 32), -12.0)
    logits[0, 0][owners == 0] = 12.0
    rows, cols = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    raw = torch.stack(
        [
            BOX[0, 0] / STRIDE - cols - 0.5,
            BOX[0, 1] / STRIDE - rows - 0.5,
            torch.log(BOX[0, 2] / PRIOR_PX[0]).expand(32, 32),
            torch.log(BOX[0, 3] / PRIOR_PX[1]).expand(32, 32),
            torch.sin(2 * BOX[0, 4]).expand(32, 32),
            torch.cos(2 * BOX[0, 4]).expand(32, 32),
        ]
    )
    return logits, raw[None]


def test_the_right_answer_costs_next_to_nothing():
    logits, raw = right_answer()
    right = detection_loss(logits, raw, [BOX], [torch.tensor([True])])
    wrong = detection_loss(-logits, raw + 1.0, [BOX], [torch.tensor([True])])
    assert float(right.total) < 0.02
    assert float(wrong.total) > 10.0
