"""Another light, haze, lens, sensor and compression: how two pictures of the same vehicles may differ.

All functions take and give float32 RGB pictures ``(S, S, 3)`` in 0 to 255.
"""

from __future__ import annotations

import cv2
import numpy as np

from rs_copilot.training.detector.sprites import darken
from rs_copilot.types import ByteImage, Float32Array

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def cast_shadows(picture: Float32Array, rng: np.random.Generator) -> None:
    """Shadows of what stands outside the picture, in place."""
    side = picture.shape[0]
    shade = float(rng.uniform(0.35, 0.75))
    for _ in range(int(rng.integers(1, 4))):
        middle = rng.uniform(0.0, side, 2)
        corners = middle + rng.normal(0.0, rng.uniform(0.04, 0.2) * side, (int(rng.integers(3, 7)), 2))
        hull = cv2.convexHull(corners.astype(np.float32))[:, 0]
        darken(picture, np.asarray(hull, dtype=np.float64), shade)


def photographed(picture: Float32Array, rng: np.random.Generator) -> ByteImage:
    """The picture as some camera would deliver it on some day."""
    made = _colors(picture, rng)
    made = _tone(made, rng)
    if rng.random() < 0.3:
        veil = np.float32(rng.uniform(0.1, 0.5))
        made = made * (1 - veil) + veil * rng.uniform(130.0, 235.0, 3).astype(np.float32)
    made = _optics(made, rng)
    noise = rng.standard_normal(made.shape, dtype=np.float32) * np.float32(abs(rng.normal(0.0, 4.0)))
    out = np.clip(made + noise, 0.0, 255.0).astype(np.uint8)
    return _compressed(out, rng) if rng.random() < 0.5 else out


def _colors(picture: Float32Array, rng: np.random.Generator) -> Float32Array:
    """White balance, saturation; now and then other bands, or a single one."""
    if rng.random() < 0.04:
        picture = picture[..., rng.permutation(3)]
    grey = (picture @ _LUMINANCE)[..., None]
    amount = np.float32(0.0 if rng.random() < 0.08 else rng.uniform(0.4, 1.4))
    balance = np.exp(rng.normal(0.0, 0.09, 3)).astype(np.float32)
    return np.asarray((grey + amount * (picture - grey)) * balance, dtype=np.float32)


def _tone(picture: Float32Array, rng: np.random.Generator) -> Float32Array:
    unit = np.clip(picture / np.float32(255.0), 0.0, 1.0)
    curved = np.power(unit, np.float32(np.exp(rng.normal(0.0, 0.28))))
    middle = np.float32(curved.mean())
    contrast, gain = np.float32(rng.uniform(0.65, 1.3)), np.float32(rng.uniform(0.75, 1.2))
    return np.asarray((middle + contrast * (curved - middle)) * gain * 255.0, dtype=np.float32)


def _optics(picture: Float32Array, rng: np.random.Generator) -> Float32Array:
    """A coarser sensor, a soft lens, or a camera that sharpens."""
    side = picture.shape[0]
    chance = rng.random()
    if chance < 0.3:
        coarse = round(side / float(rng.uniform(1.1, 2.0)))
        small = cv2.resize(picture, (coarse, coarse), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    elif chance < 0.55:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.1))), np.float32)
    if rng.random() < 0.35:
        soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.7, 1.6)))
        picture = picture + np.float32(rng.uniform(0.2, 1.0)) * (picture - np.asarray(soft, np.float32))
    return picture


def _compressed(picture: ByteImage, rng: np.random.Generator) -> ByteImage:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
    _, data = cv2.imencode(".jpg", picture, quality)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
