"""How freed memory goes back to the system, on systems whose allocator lets that be said."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
LARGE_BYTES, KEPT_BYTES = 1_000_000, 16_000_000


def return_freed_memory() -> None:
    """Give large buffers back as they are freed, and keep no heap for each thread (glibc; nothing elsewhere).

    Tiles come and go as buffers of megabytes in several threads, whose heaps keep the holes: outlines of a
    raster of 4,096 pixels peaked at 500 MB without this, and at 481 MB with it. Buffers up to the size of a
    picture stay in the one heap that is left: given back as well, they saved no memory and cost 70,000 page
    faults more, a twentieth of the time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, LARGE_BYTES), (_TRIM_THRESHOLD, KEPT_BYTES)):
            mallopt(option, value)
