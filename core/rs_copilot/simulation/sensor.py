"""From linear light to the picture that a camera or a satellite delivers."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from rs_copilot.types import ByteImage, Float32Array, FloatArray

AIRLIGHT = np.array([0.30, 0.36, 0.46], dtype=np.float32)


def tone_curve(linear: Float32Array) -> Float32Array:
    """A camera's picture style: sRGB-like gamma with a soft shoulder. Values in [0, 1]."""
    x = np.maximum(linear, 0.0)
    rolled = x * (1.0 + 0.18 * x) / (1.0 + 0.55 * x)
    return np.clip(np.power(rolled, 1.0 / 2.2), 0.0, 1.0).astype(np.float32)


def to_bytes(image: Float32Array) -> ByteImage:
    """Values in [0, 1] as uint8."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(image, 0.0), alpha=255.0))


def saturate(image: Float32Array, amount: float) -> Float32Array:
    """Push colours away from grey."""
    grey = image @ np.array([0.30, 0.59, 0.11], dtype=np.float32)
    return np.clip(grey[..., None] + amount * (image - grey[..., None]), 0.0, 1.0).astype(np.float32)


def drone_picture(
    linear: Float32Array, exposure: float, blur_maps: list[FloatArray], rng: np.random.Generator
) -> ByteImage:
    """Lens, motion blur, vignette, exposure, tone, noise.

    ``blur_maps`` are homographies from this picture's pixels to where the same ground was at other
    moments of the exposure.
    """
    from rs_copilot.simulation.develop import develop

    height, width = linear.shape[:2]
    light = linear
    for number, warp in enumerate(blur_maps, start=2):
        moved = cv2.warpPerspective(linear, warp, (width, height), borderMode=cv2.BORDER_REPLICATE)
        light = (light + (moved - light) / np.float32(number)).astype(np.float32)
    image = np.empty_like(linear)
    develop(np.asarray(cv2.GaussianBlur(light, (0, 0), 0.62)), _tone_table(), exposure, image)
    soft = cv2.GaussianBlur(image, (0, 0), 1.3)
    sharp = cv2.addWeighted(image, 1.45, soft, -0.45, 0.0)
    # One field of noise serves three channels, shifted: independent enough, a third of the time.
    noise = rng.standard_normal((height + 8, width + 8), dtype=np.float32) * 0.011
    grain = np.stack([noise[k : k + height, 2 * k : 2 * k + width] for k in range(3)], axis=2)
    return to_bytes(np.asarray(sharp + grain, np.float32))


@lru_cache(maxsize=1)
def _tone_table() -> Float32Array:
    """The tone curve over the square root of light from 0 to 4: fine steps in the shadows."""
    return tone_curve((np.linspace(0.0, 2.0, 2048, dtype=np.float32)) ** 2)


def satellite_picture(linear: Float32Array, haze: float, rng: np.random.Generator) -> ByteImage:
    """Atmosphere, the telescope's blur, another tone curve, noise, light JPEG-like quantisation."""
    height, width = linear.shape[:2]
    soft = cv2.resize(
        rng.standard_normal((8, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    veil = (haze * (1.0 + 0.25 * soft))[..., None]
    light = cv2.GaussianBlur(linear * (1.0 - veil) + AIRLIGHT * veil, (0, 0), 0.75)
    image = saturate(tone_curve(light * 1.42), 0.90)
    image = np.clip((image - 0.13) * 1.16, 0.0, 1.0)
    noise = rng.standard_normal((height, width, 1), dtype=np.float32) * 0.010
    return to_bytes(image + noise)
