"""Pairs of a UAV view and the tile that holds its centre, drawn from grounds as often as one likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rs_copilot.localization.patches import Pyramid
from rs_copilot.training.augment import SATELLITE_STRENGTH, UAV_STRENGTH, change, to_gray
from rs_copilot.training.grounds import Ground, Shot
from rs_copilot.types import BoolArray, ByteImage, FloatArray

ASPECTS = (16 / 9, 4 / 3, 3 / 2)


@dataclass(frozen=True)
class Jitter:
    """How far a view may be from its tile: what the search over heading, scale and tiles leaves over."""

    shift: float = 0.25
    yaw_deg: float = 16.0
    scale: float = 0.16
    tilt: float = 0.10
    relief: float = 0.02
    # The side of a tile in units of the square root of the frame's area on the ground.
    cover_low: float = 0.7
    cover_high: float = 1.4


@dataclass(frozen=True)
class Batch:
    """``views`` and ``tiles`` ``(B, S, S, 4)`` RGBA; ``ground`` ``(B,)`` numbers, ``center_px`` and
    ``side_px`` of the tiles there; ``offset`` ``(B, 2)`` is where the view's centre lies in its tile, in
    sides from the tile's centre, x right and y down.
    """

    views: ByteImage
    tiles: ByteImage
    ground: NDArray[np.int64]
    center_px: FloatArray
    side_px: FloatArray
    offset: FloatArray

    def overlaps(self) -> BoolArray:
        """``(B, B)``, true where the tiles of two pairs share ground: neither negatives nor positives."""
        apart = np.abs(self.center_px[:, None] - self.center_px[None]).max(axis=2)
        reach = 0.5 * (self.side_px[:, None] + self.side_px[None])
        return np.asarray((self.ground[:, None] == self.ground[None]) & (apart < 0.85 * reach))


@dataclass(frozen=True)
class Sampler:
    """Draws batches; a part of each batch comes from the same ground, as hard negatives.

    ``weights`` are the grounds' shares. A sampler has no state: the generator decides everything.
    """

    grounds: Sequence[Ground]
    weights: FloatArray
    input_px: int = 96
    jitter: Jitter = Jitter()
    grounds_per_batch: int = 4
    shot_share: float = 0.6

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """``size`` pairs."""
        share = self.weights / self.weights.sum()
        chosen = rng.choice(len(self.grounds), size=self.grounds_per_batch, p=share)
        numbers = chosen[np.arange(size) % len(chosen)]
        drawn = [self._pair(self.grounds[number], rng) for number in numbers]
        views, tiles, centers, sides, offsets = zip(*drawn, strict=True)
        return Batch(
            np.stack(views), np.stack(tiles), numbers, np.stack(centers), np.array(sides), np.stack(offsets)
        )

    def _pair(
        self, ground: Ground, rng: np.random.Generator
    ) -> tuple[ByteImage, ByteImage, FloatArray, float, FloatArray]:
        shot, center, side = self._place(ground, rng)
        return self._draw(ground, shot, center, side, rng)

    def _place(self, ground: Ground, rng: np.random.Generator) -> tuple[Shot | None, FloatArray, float]:
        """A picture from the air or none, the view's centre, and the tile's side, on ground with data."""
        for _ in range(20):
            shot = None
            if ground.shots and rng.random() < self.shot_share:
                shot = ground.shots[int(rng.integers(len(ground.shots)))]
            spot = self._spot(ground, shot, rng)
            if spot is not None:
                return shot, *spot
        return None, np.array(ground.size_px) / 2.0, 0.3 * min(ground.size_px)

    def _spot(
        self, ground: Ground, shot: Shot | None, rng: np.random.Generator
    ) -> tuple[FloatArray, float] | None:
        """Centre of the view and side of the tile in pixels of the ground, where there is data."""
        width, height = ground.size_px
        largest = 0.45 * min(width, height)
        side = float(np.exp(rng.uniform(np.log(0.9 * self.input_px), np.log(min(largest, 480.0)))))
        if shot is None:
            center = rng.uniform([0.0, 0.0], [width, height])
        else:
            rows, cols = shot.picture.levels[0].shape[:2]
            point = np.array([*rng.uniform([0.2 * cols, 0.3 * rows], [0.8 * cols, 0.9 * rows]), 1.0])
            moved = shot.map_px_from_px @ point
            center = moved[:2] / moved[2]
            side = min(side, 0.5 * cols * float(_stretch(shot.map_px_from_px, point)))
        if side < 0.5 * self.input_px:
            return None
        low, high = center - 0.75 * side, center + 0.75 * side
        if (low < 0).any() or high[0] > width or high[1] > height:
            return None
        step = max(1, int(side / 8))
        seen = ground.valid[int(low[1]) : int(high[1]) : step, int(low[0]) : int(high[0]) : step]
        return (center, side) if seen.mean() > 0.9 else None

    def _draw(
        self, ground: Ground, shot: Shot | None, center: FloatArray, side: float, rng: np.random.Generator
    ) -> tuple[ByteImage, ByteImage, FloatArray, float, FloatArray]:
        jitter = self.jitter
        turn = float(rng.uniform(0.0, 360.0))
        offset = rng.uniform(-jitter.shift, jitter.shift, 2)
        north_up = _rotation(turn)
        tile_center = center - north_up.T @ (offset * side)
        date = int(rng.integers(len(ground.dates)))
        tile = _patch(ground.dates[date], np.eye(3), tile_center, side, north_up, self.input_px)
        yaw = float(np.clip(rng.normal(0.0, 0.5), -1.0, 1.0)) * jitter.yaw_deg
        scale = float(np.exp(rng.uniform(-jitter.scale, jitter.scale)))
        turned = _rotation(turn + yaw)
        if shot is not None:
            view = _patch(shot.picture, shot.map_px_from_px, center, side * scale, turned, self.input_px)
        else:
            other = ground.dates[int(rng.integers(len(ground.dates)))]
            view = _patch(other, np.eye(3), center, side * scale, turned, self.input_px)
            view = _bent(view, jitter, rng)
        mask = (view[..., 3] > 0) & _frame_mask(self.input_px, jitter, rng)
        return (
            _finished(view[..., :3], mask, True, rng),
            _finished(tile[..., :3], tile[..., 3] > 0, False, rng),
            tile_center,
            side,
            offset,
        )


def _rotation(turn_deg: float) -> FloatArray:
    """Patch axes (x right, y down) over ground axes, turned clockwise."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return np.array([[c, s], [-s, c]])


def _stretch(homography: FloatArray, point: FloatArray) -> float:
    """Ground pixels per picture pixel at a point ``(3,)``, along the finer direction."""
    w = homography[2] @ point
    moved = homography[:2] @ point / w
    jacobian = (homography[:2, :2] - np.outer(moved, homography[2, :2])) / w
    return float(np.linalg.svd(jacobian, compute_uv=False)[-1])


def _patch(
    picture: Pyramid,
    ground_from_picture: FloatArray,
    center: FloatArray,
    side: float,
    axes: FloatArray,
    n: int,
) -> ByteImage:
    """RGBA patch ``(n, n, 4)`` of ground around ``center``, ``side`` ground pixels wide."""
    patch_from_ground = np.eye(3)
    patch_from_ground[:2, :2] = axes * (n / side)
    patch_from_ground[:2, 2] = n / 2.0 - patch_from_ground[:2, :2] @ center
    whole = patch_from_ground @ ground_from_picture
    back = np.linalg.inv(whole) @ np.array([n / 2.0, n / 2.0, 1.0])
    level, factor = picture.level_for(1.0 / _stretch(whole, back / back[2]))
    matrix = whole @ np.diag([factor, factor, 1.0])
    drawn = cv2.warpPerspective(level, matrix, (n, n), flags=cv2.INTER_LINEAR)
    solid = np.full(level.shape[:2], 255, dtype=np.uint8)
    alpha = cv2.warpPerspective(solid, matrix, (n, n), flags=cv2.INTER_NEAREST)
    return np.dstack([drawn, alpha])


def _bent(patch: ByteImage, jitter: Jitter, rng: np.random.Generator) -> ByteImage:
    """A little perspective and relief: what rectification on flat ground leaves behind."""
    n = patch.shape[0]
    axis = (np.arange(n, dtype=np.float32) + 0.5) / n - 0.5
    x, y = np.meshgrid(axis, axis)
    tilt = rng.normal(0.0, 0.5 * jitter.tilt, 2)
    w = 1.0 + tilt[0] * x + tilt[1] * y
    bumps = cv2.resize(rng.standard_normal((7, 7)).astype(np.float32), (n, n), interpolation=cv2.INTER_CUBIC)
    bumps -= bumps[n // 2, n // 2]
    lean = rng.normal(0.0, jitter.relief, 2)
    map_x = ((x / w + lean[0] * bumps + 0.5) * n - 0.5).astype(np.float32)
    map_y = ((y / w + lean[1] * bumps + 0.5) * n - 0.5).astype(np.float32)
    return np.asarray(cv2.remap(patch, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def _frame_mask(n: int, jitter: Jitter, rng: np.random.Generator) -> BoolArray:
    """The frame's own outline, turned by any heading."""
    cover = float(np.exp(rng.uniform(np.log(jitter.cover_low), np.log(jitter.cover_high))))
    aspect = ASPECTS[int(rng.integers(len(ASPECTS)))]
    width, height = n * np.sqrt(aspect) * cover, n / np.sqrt(aspect) * cover
    corners = cv2.boxPoints(((n / 2, n / 2), (float(width), float(height)), float(rng.uniform(0, 360))))
    mask = np.zeros((n, n), dtype=np.uint8)
    cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1)
    return np.asarray(mask > 0)


def _finished(image: ByteImage, mask: BoolArray, aerial: bool, rng: np.random.Generator) -> ByteImage:
    strength = UAV_STRENGTH if aerial else SATELLITE_STRENGTH
    gray = change(to_gray(image, strength, rng), strength, rng)
    return np.dstack([gray, gray, gray, mask.astype(np.uint8) * 255])
