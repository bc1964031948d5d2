"""How close segmentation of a raster comes to the machine's limit: a table, all measured in one run.

    python -m benchmarks.segmentation [--work DIR] [--markdown FILE] [--quick]

A synthetic orthophoto of 8192 × 8192 px (0.3 m, tiled DEFLATE) and a network of three convolutions (512 px,
2.8 thousand weights, random). Measured: the job as a command, polygons written; the same in a process that
has done a small one before, as QGIS's worker has; the network alone on as many
tiles (CPU seconds); GDAL reading the same windows (CPU seconds); and a plain loop, that is for each tile one
read per band, conversion to floats, one run of the network with onnxruntime's own threads, and classes kept
in one array. The limit is (network + reads) / cores, measured just before and just after each job, and of
several rounds medians are taken: machines change their pace within seconds. Peak memory also at 20 and 40
thousand px. ``--quick`` takes a raster of 2048 px, for a look at the script.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median

import cv2
import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from benchmarks.commands import Cost, command_cost
from benchmarks.localization.report import provenance
from benchmarks.localization.store import OUT
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.segment import SegmentParams
from rs_copilot.jobs.segment import run as segment
from rs_copilot.models.runtime import open_session
from rs_copilot.tiles.plan import TilePlan, plan_tiles
from rs_copilot.types import SizeWH

TILE_PX = 512
GSD_M = 0.3
CLASSES = {"0": "background", "1": "field"}
TARGET = 1.2
# Of the job in a worker, and of the command, which is measured for its start.
ROUNDS, COMMANDS = 25, 7
BLOCK = 256
# Spread of a pixel about the smooth colour of its field: what makes the answers of random weights speckle.
NOISE = 3.0


def make_raster(path: Path, side_px: int, noise: float = NOISE) -> Path:
    """Fields of smooth colour with noise; one patch in four mirrored copies, band after band."""
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    patch_px = 2048
    fields = [cv2.GaussianBlur(rng.normal(size=(patch_px, patch_px)), (0, 0), 24.0) for _ in range(3)]
    patch = np.stack([127 + 55 * field / field.std() for field in fields])
    patch = np.clip(patch + rng.normal(scale=noise, size=patch.shape), 1, 255).astype(np.uint8)
    profile = {
        "driver": "GTiff", "width": side_px, "height": side_px, "count": 3, "dtype": "uint8", "tiled": True,
        "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "crs": "EPSG:32633",
        "bigtiff": "if_safer", "photometric": "RGB",
        "transform": from_origin(500000.0, 5300000.0, GSD_M, GSD_M),
    }  # fmt: skip
    draft = path.with_suffix(".part")
    with rasterio.open(draft, "w", **profile) as target:
        for row, y in enumerate(range(0, side_px, patch_px)):
            for col, x in enumerate(range(0, side_px, patch_px)):
                turned = patch[:, :: -1 if row % 2 else 1, :: -1 if col % 2 else 1]
                height, width = min(patch_px, side_px - y), min(patch_px, side_px - x)
                target.write(turned[:, :height, :width], window=Window(x, y, width, height))
    draft.rename(path)
    return path


def make_network(path: Path) -> Path:
    """Three convolutions, 3 -> 16 -> 16 -> 2 channels."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, weights, value = [], [], "image"
    for number, (inner, outer, side) in enumerate(((3, 16, 3), (16, 16, 3), (16, 2, 1))):
        kernel = rng.normal(scale=(2.0 / (inner * side * side)) ** 0.5, size=(outer, inner, side, side))
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"kernel_{number}"))
        weights.append(numpy_helper.from_array(np.zeros(outer, dtype=np.float32), f"bias_{number}"))
        inputs = [value, f"kernel_{number}", f"bias_{number}"]
        nodes.append(helper.make_node("Conv", inputs, [f"conv_{number}"], pads=[side // 2] * 4))
        value = f"conv_{number}"
        if number < 2:
            nodes.append(helper.make_node("Relu", [value], [f"relu_{number}"]))
            value = f"relu_{number}"
    shape = ["batch", 3, TILE_PX, TILE_PX]
    source = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    target = helper.make_tensor_value_info(value, TensorProto.FLOAT, ["batch", 2, TILE_PX, TILE_PX])
    graph = helper.make_graph(nodes, "three", [source], [target], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = {"model_type": "Segmentor", "class_names": CLASSES, "tiles_size": TILE_PX, "tiles_overlap": 15}
    helper.set_model_props(model, {key: json.dumps(item) for key, item in told.items()})
    onnx.save(model, str(path))
    return path


def cost_of(work: Callable[[], None]) -> Cost:
    """Of work in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def plan_of(raster: Path) -> TilePlan:
    """The job's own tiles."""
    with rasterio.open(raster) as dataset:
        return plan_tiles(
            SizeWH(dataset.width, dataset.height), SizeWH(TILE_PX, TILE_PX), round(0.15 * TILE_PX)
        )


def windows_of(raster: Path) -> list[Window]:
    """What the job reads."""
    return [Window(*tile.window_px[:2], TILE_PX, TILE_PX) for tile in plan_of(raster).tiles()]


def network_alone(network: Path, count: int) -> Cost:
    """As many runs as there are tiles, on all cores at once as in the sweep: they share caches and memory."""
    session, cores = open_session(network, "cpu", threads=1), len(os.sched_getaffinity(0))
    picture = np.random.default_rng(0).random((1, 3, TILE_PX, TILE_PX), dtype=np.float32)
    session.run(None, {"image": picture})

    def work() -> None:
        with ThreadPoolExecutor(cores) as pool:
            for _ in pool.map(lambda _: session.run(None, {"image": picture}), range(count)):
                pass

    return cost_of(work)


def reads_alone(raster: Path) -> Cost:
    """Every window once, all bands at once, GDAL's cache as it comes."""

    def work() -> None:
        with rasterio.open(raster) as dataset:
            for window in windows_of(raster):
                dataset.read(window=window)

    return cost_of(work)


def plain_loop(raster: Path, network: Path) -> Cost:
    """Tile by tile: a read per band, floats, one run with all cores, the classes of the core kept."""
    import onnxruntime as ort

    def work() -> None:
        session, plan = ort.InferenceSession(str(network)), plan_of(raster)
        with rasterio.open(raster) as dataset:
            classes = np.zeros((dataset.height, dataset.width), dtype=np.uint8)
            for tile, window in zip(plan.tiles(), windows_of(raster), strict=True):
                bands = [dataset.read(number, window=window) for number in (1, 2, 3)]
                picture = (np.stack(bands, axis=-1) * 1.0 / 255.0).transpose(2, 0, 1)[None].astype(np.float32)
                (values,) = session.run(None, {"image": picture})
                x1, y1, x2, y2 = tile.core_px
                own = values[0].argmax(axis=0)
                x, y = tile.window_px[:2]
                classes[y1:y2, x1:x2] = own[y1 - y : y2 - y, x1 - x : x2 - x]

    return cost_of(work)


def our_job(raster: Path, network: Path, simplify_px: float = 1.0) -> tuple[Cost, dict[str, object]]:
    """The command in a process of its own, from its start to its end, with its peak memory."""
    with tempfile.TemporaryDirectory(dir=raster.parent) as folder:
        words = ["segment", str(raster), "--model", f"onnx:{network}", "--simplify", str(simplify_px)]
        return command_cost([*words, "--out", str(Path(folder) / "scene.gpkg"), "--device", "cpu"])


def job_s(raster: Path, network: Path) -> float:
    """The job in this process."""
    with tempfile.TemporaryDirectory(dir=raster.parent) as folder:
        out = str(Path(folder) / "scene.gpkg")
        params = SegmentParams(source=str(raster), out=out, model=f"onnx:{network}")
        return segment(params, JobContext(device="cpu")).seconds


@dataclass(frozen=True)
class Limit:
    """What nobody can do without, CPU seconds."""

    pure_s: float
    reads_s: float

    @property
    def wall_s(self) -> float:
        """Spread over the cores without a gap."""
        return (self.pure_s + self.reads_s) / len(os.sched_getaffinity(0))

    def between(self, other: Limit) -> Limit:
        """The mean of two: machines change their pace within seconds."""
        return Limit(mean((self.pure_s, other.pure_s)), mean((self.reads_s, other.reads_s)))


def limit(raster: Path, network: Path) -> Limit:
    """Measured in this process, which runs no job: jobs set how the C library keeps memory."""
    return Limit(network_alone(network, len(plan_of(raster))).cpu_s, reads_alone(raster).cpu_s)


def beside_limits(
    measure: Callable[[], float], raster: Path, network: Path, rounds: int
) -> list[tuple[float, Limit]]:
    """Seconds of some runs, each with the limit measured just before and just after it."""
    found, before = [], limit(raster, network)
    for _ in range(rounds):
        seconds, after = measure(), limit(raster, network)
        found.append((seconds, before.between(after)))
        before = after
    return found


def time_row(name: str, raster: Path, network: Path, small: Path) -> list[str]:
    """Cells of one raster."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        # A worker that has worked before.
        pool.submit(job_s, small, network).result()
        again = beside_limits(lambda: pool.submit(job_s, raster, network).result(), raster, network, ROUNDS)
    commands: list[tuple[Cost, dict[str, object]]] = []

    def command_s() -> float:
        commands.append(our_job(raster, network))
        return float(str(commands[-1][1]["seconds"]))

    cold = beside_limits(command_s, raster, network, COMMANDS)
    plain_s = median(plain_loop(raster, network).wall_s for _ in range(3))
    limits = [item for _, item in (*again, *cold)]
    ratios, first_ratios = ([seconds / item.wall_s for seconds, item in found] for found in (again, cold))
    again_s = median(seconds for seconds, _ in again)
    return [
        name,
        f"{len(plan_of(raster))}",
        f"{commands[0][1]['segments']}",
        f"{median(item.pure_s for item in limits):.1f} s",
        f"{median(item.reads_s for item in limits):.1f} s",
        f"{median(item.wall_s for item in limits):.1f} s",
        f"{again_s:.1f} s",
        f"**{median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{median(seconds for seconds, _ in cold):.1f} s",
        f"**{median(first_ratios):.2f}** ({min(first_ratios):.2f} to {max(first_ratios):.2f})",
        f"{median(cost.wall_s for cost, _ in commands):.1f} s",
        f"{plain_s:.1f} s",
        f"{plain_s / again_s:.2f}",
    ]


def time_rows(work: Path, side_px: int) -> list[str]:
    """Lines of the table of times."""
    network = make_network(work / "three.onnx")
    # Once unmeasured on a corner: machine code is compiled on the very first use of an installation.
    small = make_raster(work / "1024.tif", 1024)
    our_job(small, network)
    smooth = make_raster(work / f"smooth-{side_px}.tif", side_px, 0.0)
    noisy = make_raster(work / f"{side_px}.tif", side_px)
    rows = [
        time_row(f"{side_px}² px, smooth", smooth, network, small),
        time_row(f"{side_px}² px, noisy", noisy, network, small),
    ]
    return [
        f"*Limit*: network and reads, spread over {len(os.sched_getaffinity(0))} cores without a gap; the "
        f"aim is {TARGET} times that. *Job* is the work itself in a worker that has worked before, *first "
        "job* that of the command, which loads compiled code, *command* with the start of Python as well. "
        f"The plain loop keeps classes and makes no polygons. Medians of {ROUNDS} jobs and {COMMANDS} "
        "commands, the least and most in brackets.",
        "",
        "| raster | tiles | polygons | network, CPU | reads, CPU | limit | job | job / limit | first job "
        "| first job / limit | command | plain loop | plain loop / job |",
        "|" + " --- |" * len(rows[0]),
        *("| " + " | ".join(cells) + " |" for cells in rows),
    ]


def memory_rows(work: Path, sides_px: tuple[int, ...]) -> list[str]:
    """Lines of the table of memory."""
    network = make_network(work / "three.onnx")
    lines = ["", "| raster | tiles | polygons | wall | peak memory |", "|" + " --- |" * 5]
    for side_px in sides_px:
        raster = make_raster(work / f"{side_px}.tif", side_px)
        ours, found = our_job(raster, network)
        lines.append(
            f"| {side_px}² px | {found['tiles']} | {found['segments']} | {ours.wall_s:.0f} s "
            f"| {ours.peak_mb:.0f} MB |"
        )
    return lines


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "segmentation", help="rasters are kept here")
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    parser.add_argument("--sides", default="8192,20480,40960", help="of the rasters; the first is timed")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    sides = (2048,) if options.quick else tuple(int(side) for side in options.sides.split(","))
    lines = [provenance([]), *time_rows(options.work, sides[0]), *memory_rows(options.work, sides)]
    text = "\n".join([*lines, ""])
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
