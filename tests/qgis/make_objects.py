"""Makes a raster of bright squares, a tiny detector that finds them, and rows of a detector in a scene.

Run in the engine's Python: ``python make_objects.py FOLDER`` for raster, network and truth;
``python make_objects.py --rows SCENE`` adds what a detector would have found in the world's clip.
"""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pyproj
import rasterio
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine" / "detection"))

import make_world
import networks

from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.store import write_layers

ENGINE_TESTS = Path(__file__).resolve().parents[1] / "engine"
SIDE_PX, COUNT = 1200, 90
BOX_PX = (200.0, 100.0, 260.0, 140.0)


def write_raster(folder: Path) -> None:
    squares = networks.places(SIDE_PX, SIDE_PX, COUNT)
    image = networks.picture(SIDE_PX, SIDE_PX, squares)
    gsd_m = make_world.GSD_M
    transform = rasterio.transform.from_origin(make_world.WEST_M, make_world.NORTH_M, gsd_m, gsd_m)
    profile = {"driver": "GTiff", "height": SIDE_PX, "width": SIDE_PX, "count": 3, "dtype": "uint8"}
    with rasterio.open(
        folder / "squares.tif", "w", crs=make_world.CRS.to_wkt(), transform=transform, tiled=True, **profile
    ) as file:
        file.write(image.transpose(2, 0, 1))
    half = networks.SIDE_PX / 2
    rows = [
        [
            make_world.WEST_M + (x + half) * gsd_m,
            make_world.NORTH_M - (y + half) * gsd_m,
            networks.CLASSES[label],
        ]
        for x, y, label in squares
    ]
    (folder / "truth.json").write_text(json.dumps(rows), encoding="utf-8")


def write_rows(scene: Path) -> None:
    """A car that stands, seen twice in each second from 2 s to 4 s."""
    crs: pyproj.CRS = make_world.CRS
    rows, shapes = [], []
    for time_s in np.arange(2.0, 4.01, 0.5):
        x1, y1, x2, y2 = BOX_PX
        corners = np.array([[x1, y1, 1], [x2, y1, 1], [x2, y2, 1], [x1, y2, 1]])
        ground = corners @ make_world.map_from_px(float(time_s)).T
        box = ",".join(f"{value:.1f}" for value in BOX_PX)
        rows.append(
            {
                "frame": round(time_s * make_world.FPS), "time_s": float(time_s), "label": "car",
                "score": 0.9, "track_id": 1, "box_px": box, "source": "onnx:cars.onnx",
            }
        )  # fmt: skip
        shapes.append(shapely.Polygon(ground[:, :2]))
    grid, provenance = Grid(crs, crs), Provenance("clip.mp4", "detector")
    write_layers(scene, {"detections": build_table(schema.DETECTIONS, rows, shapes, grid, provenance)})


def write_networks(folder: Path) -> None:
    """A detector of squares, and a segmentation network that tells grey from bright."""
    networks.save_detector(folder / "squares.onnx", metadata=networks.ultralytics())
    module = spec_from_file_location("segmenters", ENGINE_TESTS / "segmentation" / "networks.py")
    segmenters = module_from_spec(module)
    module.loader.exec_module(segmenters)
    segmenters.save(folder / "brightness.onnx", metadata=segmenters.ZOO)


if __name__ == "__main__":
    if sys.argv[1] == "--rows":
        write_rows(Path(sys.argv[2]))
    else:
        write_raster(Path(sys.argv[1]))
        write_networks(Path(sys.argv[1]))
