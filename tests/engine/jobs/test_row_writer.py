from __future__ import annotations

import threading
from pathlib import Path

import geopandas as gpd
import pytest

from rs_copilot.errors import CancelledError, StorageError
from rs_copilot.jobs import row_writer
from rs_copilot.jobs.row_writer import RowWriter
from rs_copilot.vector.store import create_scene, read_layer
from tests.engine.vector.conftest import UTM
from tests.engine.vector.test_gpkg_rows import segments


class Made:
    """Counts how often rows were made, and in which thread."""

    def __init__(self, scene: Path) -> None:
        self.scene, self.batches = scene, []
        self.threads: set[int] = set()

    def prepare(self) -> None:
        create_scene(self.scene, UTM)

    def make(self, found: list[range]) -> gpd.GeoDataFrame:
        self.batches.append([len(item) for item in found])
        self.threads.add(threading.get_ident())
        return segments(max(sum(len(item) for item in found), 3))

    def writer(self) -> RowWriter[range]:
        return RowWriter(str(self.scene), "segments", self.prepare, self.make)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "scene.gpkg")


def test_what_is_found_in_a_moment_goes_in_together_and_in_order(made: Made) -> None:
    with made.writer() as rows:
        for count in (4, 5, 6):
            rows.put(range(count))
    assert made.batches == [[4, 5, 6]]
    assert rows.written == len(read_layer(made.scene, "segments")) == 15
    assert threading.get_ident() not in made.threads


def test_many_do_not_wait(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_writer, "MANY_ROWS", 8)
    with made.writer() as rows:
        for count in (5, 5, 5, 5, 5):
            rows.put(range(count))
    assert made.batches == [[5, 5], [5, 5], [5]]


def test_what_is_asked_for_is_written_at_once_and_nothing_is_not_written(made: Made) -> None:
    with made.writer() as rows:
        rows.flush()
        rows.put(range(5))
        rows.flush()
        rows.put(range(4))
    assert made.batches == [[5], [4]]


def test_what_was_found_before_a_stop_is_written(made: Made) -> None:
    def stopped() -> None:
        with made.writer() as rows:
            rows.put(range(7))
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        stopped()
    assert len(read_layer(made.scene, "segments")) == 7


def test_news_tell_of_the_scene_once_it_is_there(made: Made) -> None:
    with made.writer() as rows:
        news = None
        while news is None:
            news = rows.news()
        assert news == {"scene": str(made.scene), "layers": ["segments"]}
        assert read_layer(made.scene, "segments").empty
        assert rows.news() is None


def test_a_failure_reaches_whoever_gives_and_nothing_more_is_written(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "MANY_ROWS", 1)

    def make(found: list[range]) -> gpd.GeoDataFrame:
        made.batches.append(found)
        raise StorageError("the disk is full")

    def work() -> None:
        with RowWriter(str(made.scene), "segments", made.prepare, make) as rows:
            for _ in range(20):
                rows.put(range(3))

    with pytest.raises(StorageError, match="full"):
        work()
    assert len(made.batches) == 1
    assert read_layer(made.scene, "segments").empty
