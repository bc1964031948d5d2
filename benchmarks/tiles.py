"""Detection over large rasters: what the tile engine costs beside the work that nobody can do without.

    python -m benchmarks.tiles [--work DIR] [--markdown FILE] [--sides 8192,20480,40960] [--quick]

Everything of one raster is measured in one go: the whole command; the processor seconds of nothing but its
inferences and of nothing but GDAL's reads of the same windows, each in a process of its own;
and the loop that one writes first (a tile: one read a band, a conversion to float, one ``session.run``).
A second table says what reading costs with more threads, against threads that take the next tile each.
The network has three convolutions and 2.8 thousand weights; it answers with a box for each cell of 32 pixels
that is mostly bright, in the output layout of YOLOv8.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from benchmarks.commands import Cost, command_cost
from benchmarks.localization.report import provenance
from benchmarks.localization.store import OUT, ROOT
from rs_copilot.tiles.plan import TilePlan, plan_tiles
from rs_copilot.types import SizeWH

TILE_PX, OVERLAP, CELL_PX, WIDTH = 640, 0.15, 32, 16
GSD_M, BLOCK_PX = 0.3, 512
SIDES = (8192, 20480, 40960)
# Tiles of the largest rasters that the single measures look at; the sum is scaled up.
SAMPLE = 400
TARGET, ROUNDS = 1.2, 3
# The sweep's own readers have no more for their blocks.
READERS, CACHE_MB = (1, 2, 4, 8), 160
HEADER = (
    "raster", "tiles", "found", "inference CPU-s", "GDAL reads CPU-s", "at best on these cores s", "ours s",
    "ours / best", "process s", "CPU-s", "peak MB", "plain loop s", "loop / ours",
)  # fmt: skip


def write_raster(path: Path, side: int, seed: int = 1) -> None:
    """Noise of the ground with bright roofs, tiled DEFLATE; about 17 roofs a million pixels."""
    rng = np.random.default_rng(seed)
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8",
        "crs": "EPSG:32633", "transform": from_origin(500000, 5300000, GSD_M, GSD_M), "tiled": True,
        "blockxsize": BLOCK_PX, "blockysize": BLOCK_PX, "compress": "deflate", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for top in range(0, side, BLOCK_PX):
            height = min(BLOCK_PX, side - top)
            ground = rng.integers(60, 72, (height, side), dtype=np.uint8)
            strip = np.stack([ground, ground + 10, ground + 20])
            for _ in range(round(side * height * 17e-6)):
                x, y = rng.integers(0, side - 40), rng.integers(0, max(1, height - 40))
                strip[:, y : y + CELL_PX, x : x + CELL_PX] = 250
            target.write(strip, window=Window(0, top, side, height))


def write_network(path: Path) -> None:
    """Three convolutions, the mean of each cell, and boxes of YOLOv8's layout ``(B, 5, N)``.

    The convolutions pass brightness on in one channel of 16; the other weights cost and add nothing.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    cells = TILE_PX // CELL_PX
    middle = (np.arange(cells, dtype=np.float32) + 0.5) * CELL_PX
    x, y = np.meshgrid(middle, middle)
    side = np.full_like(x, CELL_PX)
    boxes = np.stack([x, y, side, side]).reshape(1, 4, -1)
    rng = np.random.default_rng(0)
    first = rng.normal(0, 0.1, (WIDTH, 3, 3, 3)).astype(np.float32)
    second = rng.normal(0, 0.1, (WIDTH, WIDTH, 3, 3)).astype(np.float32)
    last = np.zeros((1, WIDTH, 1, 1), dtype=np.float32)
    first[0], second[0], last[0, 0] = 1 / 27, 0, 20
    second[0, 0, 1, 1] = 1
    constants = {
        "w1": first, "w2": second, "w3": last, "b": np.float32([-12]), "boxes": boxes,
        "shape": np.int64([-1, 1, cells**2]),
    }  # fmt: skip
    cell = {"kernel_shape": [CELL_PX] * 2, "strides": [CELL_PX] * 2}
    nodes = [
        helper.make_node("Conv", ["images", "w1"], ["a1"], pads=[1] * 4),
        helper.make_node("Relu", ["a1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["a2"], pads=[1] * 4),
        helper.make_node("Relu", ["a2"], ["r2"]),
        helper.make_node("Conv", ["r2", "w3", "b"], ["a3"]),
        helper.make_node("AveragePool", ["a3"], ["z"], **cell),
        helper.make_node("Sigmoid", ["z"], ["s"]),
        helper.make_node("Reshape", ["s", "shape"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores"], ["output0"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "cells",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, TILE_PX, TILE_PX])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 5, cells**2])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    said = {
        "model_type": "Detector", "class_names": {0: "roof"}, "tiles_size": TILE_PX,
        "tiles_overlap": 100 * OVERLAP, "det_type": "YOLO_Ultralytics", "det_conf": 0.5,
        "det_iou_thresh": 0.4,
    }  # fmt: skip
    helper.set_model_props(model, {key: json.dumps(value) for key, value in said.items()})
    onnx.save(model, path)


def plan_of(raster: Path) -> TilePlan:
    """The job's own tiles."""
    with rasterio.open(raster) as opened:
        size = SizeWH(opened.width, opened.height)
    return plan_tiles(size, SizeWH(TILE_PX, TILE_PX), round(TILE_PX * OVERLAP))


def windows(raster: Path) -> list[Window]:
    """What the sweep reads, in its order."""
    return [Window(*tile.window_px[:2], TILE_PX, TILE_PX) for tile in plan_of(raster).tiles()]


def session_of(network: Path) -> Any:  # noqa: ANN401 - onnxruntime comes without types
    """One thread, as every worker of the sweep has."""
    from rs_copilot.models.runtime import open_session

    return open_session(network, "cpu", threads=1)


def inference(network: Path, raster: Path) -> dict[str, float]:
    """Processor seconds of the sweep's inferences alone, by as many of the same picture as fit in seconds."""
    session, every = session_of(network), windows(raster)
    with rasterio.open(raster) as opened:
        picture = (opened.read(window=every[0]) / np.float32(255))[None].astype(np.float32)
    session.run(None, {"images": picture})
    count, cores = min(len(every), SAMPLE), len(os.sched_getaffinity(0))
    started = time.process_time()
    # On all cores at once, as in the sweep: they share caches and memory.
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda _: session.run(None, {"images": picture}), range(count)))
    return {"cpu_s": (time.process_time() - started) * len(every) / count}


def reads(network: Path, raster: Path) -> dict[str, float]:
    """Processor seconds of GDAL's reads of the same windows in the same order."""
    del network
    every = windows(raster)
    chosen = every if len(every) <= 2 * SAMPLE else every[: 2 * SAMPLE]
    started = time.process_time()
    with rasterio.open(raster) as opened:
        for window in chosen:
            opened.read(window=window)
    return {"cpu_s": (time.process_time() - started) * len(every) / len(chosen)}


def plain_loop(network: Path, raster: Path) -> dict[str, float]:
    """The loop that one writes first; wall seconds, the wait for the disk included."""
    import onnxruntime as ort

    every = windows(raster)
    chosen = every if len(every) <= SAMPLE else every[:SAMPLE]
    started, session, found = time.perf_counter(), ort.InferenceSession(str(network)), 0
    with rasterio.open(raster) as opened:
        for window in chosen:
            bands = [opened.read(band, window=window) for band in (1, 2, 3)]
            picture = np.array(bands).transpose(1, 2, 0) * 1.0 / 255.0
            batch = picture.transpose(2, 0, 1)[None].astype(np.float32)
            (output,) = session.run(None, {"images": batch})
            found += int((output[0, 4] > 0.5).sum())
    return {"wall_s": (time.perf_counter() - started) * len(every) / len(chosen), "found": found}


def sweep_reads(raster: Path, readers: int) -> float:
    """Processor milliseconds a tile of a sweep that only reads."""
    from rs_copilot.tiles.pictures import open_tile_pictures
    from rs_copilot.tiles.sweep import Pace, Sweep

    with open_tile_pictures(str(raster)) as pictures:
        plan = plan_of(raster)
        plan = replace(plan, wanted=plan.numbers[: 2 * SAMPLE])
        started = time.process_time()
        pace = Pace(readers, 2 * readers)
        count = sum(1 for _ in Sweep(plan, pictures, lambda _, tiles: [{}] * len(tiles), pace).answers())
    return (time.process_time() - started) * 1e3 / count


def reads_in_turn(raster: Path, readers: int) -> float:
    """The same of threads that take the next tile each, with the file open for themselves."""
    own, chosen = threading.local(), windows(raster)[: 2 * SAMPLE]

    def read(window: Window) -> None:
        if not hasattr(own, "opened"):
            own.opened = rasterio.open(raster)
        own.opened.read(window=window)

    with rasterio.Env(GDAL_CACHEMAX=CACHE_MB * 1_000_000), ThreadPoolExecutor(readers) as pool:
        started = time.process_time()
        list(pool.map(read, chosen))
    return (time.process_time() - started) * 1e3 / len(chosen)


def readers_rows(raster: Path) -> list[str]:
    """Lines of the table of readers; the first run only warms up."""
    sweep_reads(raster, 1)
    lines = [
        "",
        "| threads that read | " + " | ".join(map(str, READERS)) + " |",
        "|" + " --- |" * (1 + len(READERS)),
    ]
    for name, measure in (("the sweep", sweep_reads), ("each the next tile", reads_in_turn)):
        cells = [f"{median(measure(raster, count) for _ in range(3)):.1f}" for count in READERS]
        lines.append(f"| {name}, CPU ms a tile | " + " | ".join(cells) + " |")
    return lines


MEASURES = {"inference": inference, "reads": reads, "loop": plain_loop}


def alone(name: str, network: Path, raster: Path) -> dict[str, float]:
    """One of `MEASURES` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.tiles", "--measure", name, str(network), str(raster)]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(result.stdout)
    return measured


def ours(network: Path, raster: Path, folder: Path) -> tuple[Cost, dict[str, Any]]:
    """The whole command, from the beginning."""
    scene = folder / f"{raster.stem}.gpkg"
    scene.unlink(missing_ok=True)
    words = ["detect", str(raster), "--detector", f"onnx:{network}", "--out", str(scene)]
    return command_cost([*words, "--device", "cpu", "--fresh"])


def row(network: Path, side: int, folder: Path) -> list[str]:
    """All measures of one raster."""
    raster = folder / f"roofs-{side}.tif"
    if not raster.exists():
        write_raster(raster, side)
    rounds = [one_round(network, raster, folder) for _ in range(1 if side == max(SIDES) else ROUNDS)]
    loop = alone("loop", network, raster)["wall_s"]
    cost, done = rounds[-1].cost, rounds[-1].done
    ratios = [one.seconds / one.best_s for one in rounds]
    seconds = median(one.seconds for one in rounds)
    return [
        f"{side}²", f"{done['tiles']}", f"{done['detections']}",
        f"{median(one.work_s for one in rounds):.1f}", f"{median(one.io_s for one in rounds):.1f}",
        f"{median(one.best_s for one in rounds):.1f}",
        f"{seconds:.1f}", f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}", f"{max(one.cost.peak_mb for one in rounds):.0f}",
        f"{loop:.1f}", f"{loop / seconds:.1f}",
    ]  # fmt: skip


@dataclass(frozen=True)
class Round:
    """The job, and what nobody can do without: means of before and after, as machines change their pace."""

    cost: Cost
    done: dict[str, Any]
    work_s: float
    io_s: float

    @property
    def seconds(self) -> float:
        """Of the job."""
        return float(self.done["seconds"])

    @property
    def best_s(self) -> float:
        """Inference and reads, spread over the cores without a gap."""
        return (self.work_s + self.io_s) / len(os.sched_getaffinity(0))


def one_round(network: Path, raster: Path, folder: Path) -> Round:
    """Everything once."""
    names = ("inference", "reads")
    before = [alone(name, network, raster)["cpu_s"] for name in names]
    cost, done = ours(network, raster, folder)
    work_s, io_s = (
        mean((first, alone(name, network, raster)["cpu_s"]))
        for name, first in zip(names, before, strict=True)
    )
    return Round(cost, done, work_s, io_s)


def report(rows: Sequence[Sequence[str]]) -> str:
    """The table and how to read it."""
    lines = [provenance([])]
    lines += ["| " + " | ".join(HEADER) + " |", "|" + " --- |" * len(HEADER)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    lines += [
        "",
        f"*At best*: inference and reads, spread over all cores without a gap; the aim is {TARGET} times "
        f"that. *Ours* is the job, *process* the whole command with the start of Python; medians of {ROUNDS} "
        f"rounds but for {max(SIDES)}², the least and most in brackets. *Plain loop*: the first {SAMPLE} "
        "tiles, scaled up; it writes nothing.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "tiles", help="rasters are kept here")
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--budget", type=float, default=900.0, help="seconds; what does not fit is left out")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument("--sides", default=",".join(map(str, SIDES)))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, network, raster = options.measure
        print(json.dumps(MEASURES[name](Path(network), Path(raster))))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    network = options.work / "cells.onnx"
    write_network(network)
    sides = [2048] if options.quick else [int(side) for side in options.sides.split(",")]
    ends, rows = time.monotonic() + options.budget, []
    for side in sides:
        if time.monotonic() < ends:
            rows.append(row(network, side, options.work))
            print("  ".join(rows[-1]), flush=True)
    text = report(rows) + "\n".join([*readers_rows(options.work / f"roofs-{sides[0]}.tif"), ""])
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
