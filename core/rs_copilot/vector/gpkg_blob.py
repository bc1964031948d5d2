"""Geometry as GeoPackage stores it: a small header in front of ISO WKB.

GeoPackage Encoding Standard (OGC 12-128r19), clause 2.1.3. pyogrio reads and writes no M values, which
trajectories and tracks need, so rows pass through here.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from rs_copilot.types import FloatArray

# GDAL 3.6, which QGIS 3.22 brings, warns of anything newer.
GPKG_VERSION = "1.3"
_LITTLE_ENDIAN = 1
_EMPTY = 1 << 4
_ENVELOPE_XY = 1 << 1
# Bytes of the envelope for each envelope code of the header's flags.
_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_WKB_LINESTRING_M = 2002


def encode(geometry: BaseGeometry | None, srs_id: int) -> bytes | None:
    """A geometry as a GeoPackage blob; ``None`` stays ``None`` (SQL null)."""
    if geometry is None:
        return None
    wkb = shapely.to_wkb(geometry, byte_order=1, flavor="iso")
    if geometry.is_empty:
        return b"GP" + struct.pack("<BBi", 0, _LITTLE_ENDIAN | _EMPTY, srs_id) + bytes(wkb)
    min_x, min_y, max_x, max_y = geometry.bounds
    header = struct.pack("<BBi4d", 0, _LITTLE_ENDIAN | _ENVELOPE_XY, srs_id, min_x, max_x, min_y, max_y)
    return b"GP" + header + bytes(wkb)


def encode_all(geometries: Sequence[BaseGeometry | None], srs_id: int) -> list[bytes | None]:
    """Many geometries as `encode` gives them, several times as fast."""
    array = np.asarray(geometries, dtype=object)
    plain = ~(shapely.is_missing(array) | shapely.is_empty(array))
    bounds = shapely.bounds(array[plain])[:, [0, 2, 1, 3]].astype("<f8")
    head = struct.pack("<BBi", 0, _LITTLE_ENDIAN | _ENVELOPE_XY, srs_id)
    found = [None if item else encode(other, srs_id) for item, other in zip(plain, array, strict=True)]
    bodies = shapely.to_wkb(array[plain], byte_order=1, flavor="iso")
    for number, box, body in zip(np.flatnonzero(plain), bounds, bodies, strict=True):
        found[number] = b"GP" + head + box.tobytes() + bytes(body)
    return found


def decode(blob: bytes | None) -> BaseGeometry | None:
    """The geometry in a GeoPackage blob.

    Raises:
        ValueError: the bytes are no GeoPackage geometry.
    """
    return None if blob is None else shapely.from_wkb(_body(blob))


def decode_all(blobs: Sequence[bytes | None]) -> NDArray[Any]:
    """Many geometries as `decode` gives them, several times as fast."""
    bodies = np.empty(len(blobs), dtype=object)
    bodies[:] = [None if blob is None else _body(blob) for blob in blobs]
    return np.asarray(shapely.from_wkb(bodies))


def _body(blob: bytes) -> bytes:
    """The WKB behind the header."""
    if blob[:2] != b"GP" or len(blob) < 8:
        raise ValueError(f"expected a GeoPackage geometry, found bytes starting {blob[:8].hex()}")
    code = (blob[3] >> 1) & 0b111
    if code not in _ENVELOPE_BYTES:
        raise ValueError(f"expected an envelope code from 0 to 4, found {code}")
    return blob[8 + _ENVELOPE_BYTES[code] :]


def is_empty(blob: bytes | None) -> int | None:
    """SQL function ST_IsEmpty, which the spatial index's triggers call."""
    return None if blob is None else int(bool(blob[3] & _EMPTY))


@lru_cache(maxsize=1024)
def _bounds(blob: bytes) -> tuple[float, ...]:
    if blob[:2] == b"GP" and blob[3] == _LITTLE_ENDIAN | _ENVELOPE_XY:
        # Our own rows: the header says it, and spatial indexes of many rows ask often.
        return struct.unpack_from("<4d", blob, 8)
    geometry = decode(blob)
    if geometry is None or geometry.is_empty:
        return (np.nan,) * 4
    min_x, min_y, max_x, max_y = geometry.bounds
    return min_x, max_x, min_y, max_y


def bound(blob: bytes | None, which: int) -> float | None:
    """SQL functions ST_MinX, ST_MaxX, ST_MinY, ST_MaxY: ``which`` from 0 to 3 in this order."""
    return None if blob is None else float(_bounds(blob)[which])


def line_m(points: FloatArray, measures: FloatArray) -> BaseGeometry:
    """A LineString M through ``(N, 2)`` points with ``(N,)`` measures.

    Raises:
        ValueError: fewer than two points, or lengths that differ.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(points) < 2 or len(points) != len(measures):
        raise ValueError(f"expected two or more points with measures, found {len(points)}, {len(measures)}")
    # Shapely builds no M geometry from arrays (2.2), only from WKB.
    body = np.column_stack([points, measures]).astype("<f8").tobytes()
    return shapely.from_wkb(struct.pack("<BII", _LITTLE_ENDIAN, _WKB_LINESTRING_M, len(points)) + body)


@contextmanager
def quiet_about_m() -> Iterator[None]:
    """pyogrio warns that it does not return M values whenever it meets a layer that has them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Measured .M. geometry types", module="pyogrio")
        yield
