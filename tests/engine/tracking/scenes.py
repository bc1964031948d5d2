"""The filmed town as a clip, and a scene in which its frames are placed."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pyproj

from rs_copilot.geo import homography as hg
from rs_copilot.types import FrameStatus, Placement
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vector.store import append_layer, create_scene

from .world import FPS, SIZE

UTM = pyproj.CRS.from_epsg(32633)
COUNT = 60


def make_clip(path, world):
    """Film the town as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(FPS), options={"crf": "16", "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = SIZE.width_px, SIZE.height_px, "yuv420p"
        for i in range(COUNT):
            picture = av.VideoFrame.from_ndarray(world.frame(i).image, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def make_scene(path, world, clip_path, *, every=1, noise_m=0.0, camera=None):
    """A scene with every n-th frame of the clip placed, as exactly as ``noise_m`` says."""
    rng = np.random.default_rng(5)
    placements = [
        Placement(
            i,
            i / FPS,
            FrameStatus.LOCATED,
            0.9,
            2.0,
            hg.translation(rng.normal(0, noise_m, 2)) @ world.map_from_px(i / FPS),
            SIZE,
            camera=camera,
        )
        for i in range(0, COUNT, every)
    ]
    create_scene(path, UTM, overwrite=True)
    provenance = Provenance(clip=clip_path.name, method="truth")
    append_layer(
        path, "frames", frames_table(placements, Grid(UTM, UTM), provenance, clip_path=str(clip_path))
    )
