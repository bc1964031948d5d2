"""Other light, other season, other sensor: what may differ between two pictures of one ground.

All functions take and give float32 grey pictures ``(S, S)`` in [0, 255]: the network sees structure only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.types import ByteImage, Float32Array


@dataclass(frozen=True)
class Strength:
    """How strongly a branch's pictures are changed; shares are probabilities."""

    tone: float = 0.35
    band_mix: float = 0.6
    inverted: float = 0.05
    shadows: float = 0.3
    objects: float = 0.4
    blur_px: float = 1.2
    noise: float = 6.0
    jpeg: float = 0.3
    haze: float = 0.3


UAV_STRENGTH = Strength()
SATELLITE_STRENGTH = Strength(
    tone=0.25, band_mix=0.4, inverted=0.0, shadows=0.1, objects=0.0, blur_px=1.5, noise=4.0, jpeg=0.2
)


def to_gray(image: ByteImage, strength: Strength, rng: np.random.Generator) -> Float32Array:
    """Luminance, or now and then another mixture of the bands: other films, sensors and seasons."""
    weights = np.array([0.299, 0.587, 0.114])
    if rng.random() < strength.band_mix:
        weights = rng.dirichlet([0.8, 0.8, 0.8]) + rng.normal(0.0, 0.25, 3)
    mixed = image.astype(np.float32) @ weights.astype(np.float32)
    low, high = (float(v) for v in np.percentile(mixed[::4, ::4], (1, 99)))
    return np.asarray(255.0 * (mixed - low) / max(high - low, 12.0), dtype=np.float32)


def change(gray: Float32Array, strength: Strength, rng: np.random.Generator) -> ByteImage:
    """One picture as another day and another camera would have taken it; uint8 ``(S, S)``."""
    made = _tone(gray, strength, rng)
    if rng.random() < strength.shadows:
        made = _shadows(made, rng)
    if rng.random() < strength.objects:
        made = _objects(made, rng)
    if rng.random() < strength.haze:
        made = made * np.float32(rng.uniform(0.3, 0.8)) + np.float32(rng.uniform(20.0, 90.0))
    made = _optics(made, strength, rng)
    out = np.clip(made, 0.0, 255.0).astype(np.uint8)
    return _compressed(out, rng) if rng.random() < strength.jpeg else out


def _tone(gray: Float32Array, strength: Strength, rng: np.random.Generator) -> Float32Array:
    unit = np.clip(gray / 255.0, 0.0, 1.0)
    curved = np.power(unit, np.float32(np.exp(rng.normal(0.0, strength.tone))))
    if rng.random() < strength.inverted:
        curved = 1.0 - curved
    gain, offset = rng.uniform(0.5, 1.1), rng.uniform(-20.0, 60.0)
    return np.asarray(curved * (255.0 * gain) + offset, dtype=np.float32)


def _shadows(gray: Float32Array, rng: np.random.Generator) -> Float32Array:
    side = gray.shape[0]
    mask = np.zeros(gray.shape, dtype=np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        center = rng.uniform(0.0, side, 2)
        corners = center + rng.normal(0.0, 0.08 * side, (int(rng.integers(3, 6)), 2))
        cv2.fillConvexPoly(mask, cv2.convexHull(corners.astype(np.int32)), 255)
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.5, 2.0))).astype(np.float32) / 255.0
    return np.asarray(gray * (1.0 - np.float32(rng.uniform(0.2, 0.6)) * soft), dtype=np.float32)


def _objects(gray: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Vehicles that have gone, trees that have grown, roofs that are new."""
    side, made = gray.shape[0], gray.copy()
    for _ in range(int(rng.integers(1, 10))):
        extent = np.exp(rng.uniform(np.log(2.0), np.log(0.14 * side), 2))
        box = cv2.boxPoints((tuple(rng.uniform(0, side, 2)), tuple(extent), float(rng.uniform(0, 180))))
        cv2.fillConvexPoly(made, box.astype(np.int32), float(rng.uniform(0.0, 255.0)))
    return made


def _optics(gray: Float32Array, strength: Strength, rng: np.random.Generator) -> Float32Array:
    sigma = abs(float(rng.normal(0.0, strength.blur_px)))
    if sigma > 0.25:
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), min(sigma, 3.0)))
    noise = rng.standard_normal(gray.shape, dtype=np.float32) * np.float32(rng.uniform(0.0, strength.noise))
    return np.asarray(gray + noise, dtype=np.float32)


def _compressed(gray: ByteImage, rng: np.random.Generator) -> ByteImage:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 80))]
    _, data = cv2.imencode(".jpg", gray, quality)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
