"""Outlines of objects from masks that a network mixes from prototypes (YOLACT, Bolya et al. 2019)."""

from __future__ import annotations

import cv2
import numpy as np
import shapely

from rs_copilot.types import ByteImage, FloatArray, SizeWH

# Prototypes have a quarter of the input's size; finer than this an outline would only draw their pixels.
TOLERANCE_PX = 0.5


def outlines(
    mixtures: FloatArray, prototypes: FloatArray, quads_px: FloatArray, canvas: SizeWH
) -> tuple[FloatArray, ...]:
    """Rings around what the masks of objects cover inside their boxes, in pixels of the input.

    Args:
        mixtures: ``(N, K)``.
        prototypes: ``(K, h, w)`` over the whole input.
        quads_px: ``(N, 4, 2)`` boxes of the objects.
        canvas: size of the input.

    Returns:
        ``(M, 2)`` for each object, not closed: of several pieces the largest, the box where it is empty.
    """
    scale = np.array([canvas.width_px / prototypes.shape[2], canvas.height_px / prototypes.shape[1]])
    finite = np.nan_to_num(prototypes, posinf=0.0, neginf=0.0)
    return tuple(_outline(m, finite, quad, scale) for m, quad in zip(mixtures, quads_px, strict=True))


def _outline(mixture: FloatArray, prototypes: FloatArray, quad: FloatArray, scale: FloatArray) -> FloatArray:
    """One ring: the logit, enlarged to pixels of the input, is cut at 0, a probability of a half."""
    low, high = quad.min(axis=0), quad.max(axis=0)
    height, width = prototypes.shape[1:]
    # One pixel more on each side, so that enlarging knows what is beyond the box.
    x1, y1 = np.maximum(np.floor(low / scale).astype(int) - 1, 0)
    x2, y2 = np.minimum(np.ceil(high / scale).astype(int) + 1, (width, height))
    logits = np.tensordot(mixture, prototypes[:, y1:y2, x1:x2], axes=1).astype(np.float32)
    size = np.maximum(np.rint(np.array([x2 - x1, y2 - y1]) * scale).astype(int), 1)
    mask = cv2.resize(logits, (int(size[0]), int(size[1])), interpolation=cv2.INTER_LINEAR) > 0.0
    ring = ring_of(mask.astype(np.uint8))
    if ring is None:
        return quad
    factor = np.array([x2 - x1, y2 - y1]) * scale / size
    shape = shapely.clip_by_rect(shapely.Polygon(ring * factor + np.array([x1, y1]) * scale), *low, *high)
    ring = _largest(shape)
    return quad if ring is None else ring


def ring_of(mask: ByteImage) -> FloatArray | None:
    """The outer border of a mask's largest piece, along the edges of pixels; ``None``: it is empty."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    largest = max(contours, key=lambda item: (cv2.contourArea(item), len(item)))[:, 0].astype(np.float64)
    # OpenCV walks over the centres of the pixels inside.
    line = largest + 0.5
    shape = shapely.Polygon(line) if len(line) > 2 else shapely.LineString(np.concatenate([line, line])[:2])
    grown = shapely.buffer(shape, 0.5, cap_style="square", join_style="mitre")
    return _largest(shapely.simplify(grown, TOLERANCE_PX))


def _largest(shape: shapely.Geometry) -> FloatArray | None:
    pieces = [
        part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon) and part.area > 0
    ]
    if not pieces:
        return None
    return np.asarray(shapely.get_coordinates(max(pieces, key=shapely.area).exterior)[:-1])
