"""Makes the small town that the engine's tests ask about, with a clip that can be played.

Run in the engine's Python: ``python make_town.py FOLDER NAME``; one more zone gets the name. Zones, roads and
obstacles lie in ``map.gpkg``.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "core")]

import av  # noqa: E402
import numpy as np  # noqa: E402

from tests.engine.reasoning import town  # noqa: E402


def write_clip(path: Path) -> None:
    """As many frames as the scene has; a bar moves through them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=int(town.FPS))
        stream.width, stream.height, stream.pix_fmt = town.SIZE.width_px, town.SIZE.height_px, "yuv420p"
        for index in range(100):
            picture = np.full((town.SIZE.height_px, town.SIZE.width_px, 3), 90, np.uint8)
            picture[:, 4 * index : 4 * index + 8] = 230
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def main(folder: Path, name: str) -> None:
    zones = town.LAYERS["zones"]
    town.LAYERS["zones"] = town.table(
        [*zones.to_dict("records"), {"name": name, "kind": "field", "geometry": town.box(40, -20, 50, 0)}]
    )
    town.write_town(folder)
    write_clip(folder / "clip.mp4")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
