"""Detection on a Dask cluster of two processes on this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rs_copilot.errors import ClusterError
from rs_copilot.jobs.context import JobContext
from tests.engine.detection.networks import picture, places, save_detector, zoo

from .test_detect import detect, found_squares, rows_of, write_map

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
SQUARES = places(1500, 1300, 300)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "squares.onnx"
    return save_detector(path, metadata=zoo("YOLO_Ultralytics", tiles_size=160, resolution=50))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as started:
        yield started


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_workers_give_what_one_process_gives_even_if_one_is_lost(
    tmp_path: Path, network: Path, cluster: Any
) -> None:
    source = write_map(tmp_path / "a.tif", picture(1500, 1300, SQUARES))
    detect(source, tmp_path / "one.gpkg", network)
    detect(source, tmp_path / "two.gpkg", network, scheduler=cluster.scheduler_address)
    assert rows_of(tmp_path / "two.gpkg") == rows_of(tmp_path / "one.gpkg")
    context, killed = JobContext(device="cpu"), threading.Event()

    def kill(_: object) -> None:
        if not killed.is_set():
            killed.set()
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

    context.on_progress = kill
    result = detect(source, tmp_path / "lost.gpkg", network, context, scheduler=cluster.scheduler_address)
    assert killed.is_set() and result.detections == len(SQUARES)
    assert rows_of(tmp_path / "lost.gpkg") == rows_of(tmp_path / "one.gpkg")
    assert found_squares(tmp_path / "lost.gpkg") == sorted(SQUARES)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_an_error_that_says_so(
    tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_copilot.tiles.cluster.CONNECT_S", 1.0)
    source = write_map(tmp_path / "a.tif", picture(200, 200, SQUARES[:0]))
    started = time.monotonic()
    with pytest.raises(ClusterError, match="no scheduler answers"):
        detect(source, tmp_path / "s.gpkg", network, scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - started < 30
