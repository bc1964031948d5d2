from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

LIMIT_MB = 2000
READ = """
import json, sys
from rs_copilot.raster.source import open_raster
with open_raster(sys.argv[1]) as source:
    whole = source.read(4.5)
    part = source.read(0.3, (500_000.0, 4_999_400.0, 500_600.0, 5_000_000.0))
# What getrusage tells begins with the memory of the process that started this one.
(peak,) = [int(line.split()[1]) / 1000 for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({"peak_mb": peak, "whole": whole.valid.shape, "part": float(part.image.max())}))
"""


@pytest.mark.slow
def test_thirty_thousand_pixels_squared_without_overviews_stay_under_two_gigabytes(tmp_path):
    path = tmp_path / "huge.tif"
    tile = np.random.default_rng(0).integers(60, 255, (3, 512, 512), dtype=np.uint8)
    with rasterio.open(
        path, "w", driver="GTiff", width=30_000, height=30_000, count=3, dtype="uint8", crs="EPSG:32633",
        transform=from_origin(500_000, 5_000_000, 0.3, 0.3), tiled=True, blockxsize=512, blockysize=512,
        compress="deflate", sparse_ok=True,
    ) as target:  # fmt: skip
        for at in range(0, 29_000, 4096):
            target.write(tile, window=Window(at, at, 512, 512))
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["peak_mb"] < LIMIT_MB
    assert told["whole"] == [2000, 2000]
    assert told["part"] > 100
