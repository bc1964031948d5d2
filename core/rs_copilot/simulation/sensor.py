"""From linear light to the picture that a camera or a satellite delivers."""

from __future__ import annotations

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
    return np.asarray(np.clip(image * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8))


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
    height, width = linear.shape[:2]
    shots = [
        linear,
        *(
            cv2.warpPerspective(linear, m, (width, height), borderMode=cv2.BORDER_REPLICATE)
            for m in blur_maps
        ),
    ]
    light = cv2.GaussianBlur(np.mean(shots, axis=0, dtype=np.float32), (0, 0), 0.62)
    y, x = np.mgrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    vignette = (1.0 - 0.17 * (x * x + (y * height / width) ** 2)).astype(np.float32)
    image = saturate(tone_curve(light * (exposure * vignette)[..., None]), 1.12)
    sharp = image + 0.45 * (image - cv2.GaussianBlur(image, (0, 0), 1.3))
    noise = rng.standard_normal((height, width), dtype=np.float32) * 0.009
    chroma = rng.standard_normal((height, width, 3), dtype=np.float32) * 0.006
    return to_bytes(sharp + noise[..., None] + chroma)


def satellite_picture(linear: Float32Array, haze: float, rng: np.random.Generator) -> ByteImage:
    """Atmosphere, the telescope's blur, another tone curve, noise, light JPEG-like quantisation."""
    height, width = linear.shape[:2]
    soft = cv2.resize(
        rng.standard_normal((8, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    veil = (haze * (1.0 + 0.25 * soft))[..., None]
    light = cv2.GaussianBlur(linear * (1.0 - veil) + AIRLIGHT * veil, (0, 0), 0.75)
    image = saturate(tone_curve(light * 1.25), 0.88)
    image = np.clip((image - 0.13) * 1.16, 0.0, 1.0)
    noise = rng.standard_normal((height, width, 1), dtype=np.float32) * 0.010
    return to_bytes(image + noise)
