"""What looking at a huge raster costs beside the model: memory, and seconds until the model is asked first.

    python -m benchmarks.vlm_chain [--work DIR] [--markdown FILE] [--side 27328] [--quick]

The model is scripted: it looks closer once and then names a box, or finds nothing in a tile. Every command
runs in a process of its own; times begin with that process, so that the start of Python and all imports
count. The raster is noise with bright roofs in tiles of 512 pixels, packed by DEFLATE without overviews, the
same with them, and packed by JPEG without.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rasterio
from rasterio.enums import Resampling
from rasterio.shutil import copy

from benchmarks.localization.report import provenance
from benchmarks.localization.store import OUT, ROOT
from benchmarks.tiles import BLOCK_PX, write_raster

SIDE, QUICK_SIDE = 27_328, 8192
OVERVIEWS = (2, 4, 8, 16, 32, 64)
MAX_FIRST_S, MAX_PEAK_MB = 2.0, 1500.0
CALL = '<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [400, 400, 440, 440]}}\n</tool_call>'
HEADER = (
    "raster",
    "command",
    "first model call s",
    "CPU-s until then",
    "reading for it s",
    "calls",
    "job s",
    "peak MB",
)
# Counts from the start of the process: the kernel says when that was.
MEASURED = """
import json, sys, time
ticks = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
import os
uptime_s = float(open("/proc/uptime").read().split()[0])
begun = time.monotonic() - (uptime_s - ticks / os.sysconf("SC_CLK_TCK"))
from rs_copilot.vlm.scripted import ScriptedBackend
calls, plain = [], ScriptedBackend.reply
def reply(self, *args, **more):
    calls.append((time.monotonic() - begun, time.process_time()))
    return plain(self, *args, **more)
ScriptedBackend.reply = reply
from rs_copilot.cli import run
code = run(sys.argv[1:])
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
told = {"first_s": calls[0][0], "first_cpu_s": calls[0][1], "calls": len(calls), "peak_mb": int(peak) / 1024}
print(json.dumps(told), file=sys.stderr)
sys.exit(code)
"""


def make_rasters(folder: Path, side: int) -> dict[str, Path]:
    """The rasters, made where they are missing."""
    plain, layered, lossy = (folder / f"{name}-{side}.tif" for name in ("plain", "overviews", "jpeg"))
    if not plain.exists():
        write_raster(plain, side)
    if not layered.exists():
        copy(plain, layered, driver="GTiff", **_blocks("DEFLATE"))
        with rasterio.open(layered, "r+") as target:
            target.build_overviews(
                [factor for factor in OVERVIEWS if side / factor > 256], Resampling.average
            )
    if not lossy.exists():
        copy(plain, lossy, driver="GTiff", photometric="YCBCR", **_blocks("JPEG"))
    return {"DEFLATE, no overviews": plain, "DEFLATE, overviews": layered, "JPEG, no overviews": lossy}


def _blocks(packing: str) -> dict[str, Any]:
    return {
        "tiled": True, "blockxsize": BLOCK_PX, "blockysize": BLOCK_PX, "compress": packing,
        "BIGTIFF": "IF_SAFER",
    }  # fmt: skip


def cost(words: Sequence[str]) -> tuple[dict[str, float], dict[str, Any]]:
    """One command: when the model was asked first, how often, the peak of memory, and the result."""
    command = [sys.executable, "-c", MEASURED, *words, "--json", "--device", "cpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stderr.strip().splitlines()[-1]), json.loads(done.stdout)


def row(name: str, raster: Path, command: str, folder: Path) -> list[str]:
    """One line of the table."""
    scene, script = folder / f"{raster.stem}-{command}.gpkg", folder / f"{command}.json"
    scene.unlink(missing_ok=True)
    answers = [CALL, "20,20,40,40 roof"] if command == "ground" else ["There are none."]
    script.write_text(json.dumps(answers), encoding="utf-8")
    words = [command, str(raster), "--out", str(scene), "--model", f"scripted:{script}"]
    words += ["a roof"] if command == "ground" else ["--detector", "vlm", "--fresh"]
    told, done = cost(words)
    reading = f"{done['first_call_s']:.2f}" if command == "ground" else ""
    return [
        name, command, f"{told['first_s']:.2f}", f"{told['first_cpu_s']:.2f}", reading,
        f"{told['calls']:.0f}", f"{done['seconds']:.1f}", f"{told['peak_mb']:.0f}",
    ]  # fmt: skip


def report(side: int, rows: Sequence[Sequence[str]]) -> str:
    """The table and how to read it."""
    lines = [provenance([]), f"A raster of {side} × {side} pixels, 3 bands.", ""]
    lines += ["| " + " | ".join(HEADER) + " |", "|" + " --- |" * len(HEADER)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    lines += [
        "",
        f"*First model call*: from the start of the process; at most {MAX_FIRST_S:g} s are wanted, and a "
        f"peak of {MAX_PEAK_MB:g} MB. *CPU-s* are those of all cores until then. *Reading for it*: of these "
        f"from the start of the job. The model is scripted and costs nothing.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "vlm_chain", help="rasters are kept here")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SIDE} pixels")
    parser.add_argument("--commands", default="ground,detect")
    options = parser.parse_args()
    side = QUICK_SIDE if options.quick else options.side
    options.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, raster in make_rasters(options.work, side).items():
        for command in options.commands.split(","):
            rows.append(row(name, raster, command, options.work))
            print("  ".join(rows[-1]), flush=True)
    text = report(side, rows)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
