"""Videos whose every frame shows its own number, as bright and dark blocks that survive compression."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

WIDTH, HEIGHT, BLOCK, BITS = 192, 128, 32, 10
TICKS = 90_000


def picture(number):
    """(HEIGHT, WIDTH, 3): ten blocks in two rows spell the number, red in the top-left corner's row."""
    image = np.full((HEIGHT, WIDTH, 3), 60, dtype=np.uint8)
    for bit in range(BITS):
        row, column = divmod(bit, 5)
        spot = (slice(row * BLOCK, (row + 1) * BLOCK), slice(column * BLOCK, (column + 1) * BLOCK))
        image[spot] = 220 if number >> bit & 1 else 20
    image[3 * BLOCK :, : WIDTH // 2] = (220, 30, 30)
    return image


def number_of(image):
    """The number that an upright picture spells."""
    grey = image.mean(axis=2)
    bits = 0
    for bit in range(BITS):
        row, column = divmod(bit, 5)
        y, x = row * BLOCK + BLOCK // 2, column * BLOCK + BLOCK // 2
        bits |= int(grey[y - 4 : y + 4, x - 4 : x + 4].mean() > 120) << bit
    return bits


def write_film(path, times_s, *, codec="libx264", gop=12, bframes=2, container_format=None, options=None):
    """Encode pictures 0, 1, 2 … shown at the given times."""
    with av.open(str(path), "w", format=container_format, options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = gop
        # The old codecs count in frames; the new one in any clock.
        stream.codec_context.time_base = Fraction(1, TICKS if codec == "libx264" else 25)
        if codec == "libx264":
            stream.options = {
                "bf": str(bframes),
                "preset": "ultrafast" if not bframes else "veryfast",
                "crf": "18",
            }
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = round(time_s * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def rotate(path, matrix):
    """Overwrite the display matrix of an mp4's first track with (a, b, c, d)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (int(value) * 65536 for value in matrix)
    for place, value in ((0, a), (1, b), (3, c), (4, d)):
        data[at + 4 * place : at + 4 * place + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    return path
