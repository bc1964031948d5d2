from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_copilot.errors import CancelledError, StorageError
from rs_copilot.tiles.journal import open_journal, pack, unpack
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import Tile, plan_tiles
from rs_copilot.tiles.sweep import Pace, Sweep, _Readers
from rs_copilot.types import SizeWH
from tests.engine.tiles.rasters import noise, write_raster

SIDE = 256


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[TilePictures]:
    bands = noise(SIDE, SIDE)
    bands[:, :64, :64] = 0
    with open_tile_pictures(str(write_raster(tmp_path / "a.tif", bands))) as opened:
        yield opened


def sums(images: np.ndarray, tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    return [{"sum": image.sum(dtype=np.int64)} for image in images]


def slow_sums(images: np.ndarray, tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    """Later tiles of a row are quicker, so that answers come out of order."""
    time.sleep(0.002 * (4 - tiles[0].col))
    return sums(images, tiles)


def found(sweep: Sweep) -> list[tuple[int, int | None]]:
    return [(tile.number, None if a is None else int(a["sum"])) for tile, a in sweep.answers()]


@pytest.mark.parametrize("pace", [Pace(1, 1), Pace(2, 3), Pace(3, 1, 5), Pace(2, 2, 100)])
def test_answers_come_once_in_order_at_any_pace(pictures: TilePictures, pace: Pace) -> None:
    plan = plan_tiles(pictures.info.size, SizeWH(64, 64), 0)
    expected = []
    for tile in plan.tiles():
        picture = pictures.read(plan, tile)
        expected.append((tile.number, None if picture is None else int(picture.sum(dtype=np.int64))))
    sweep = Sweep(plan, pictures, slow_sums, pace)
    assert found(sweep) == expected
    assert expected[0][1] is None and sweep.tally.empty == 1 and sweep.tally.done == 16


def test_no_more_tiles_are_in_memory_than_the_pace_says(pictures: TilePictures) -> None:
    plan = plan_tiles(pictures.info.size, SizeWH(16, 16), 0)
    pace, lock, state = Pace(2, 2), threading.Lock(), {"read": 0, "given": 0, "most": 0}
    read = pictures.read

    def counted(*arguments: Any) -> Any:
        with lock:
            state["read"] += 1
            state["most"] = max(state["most"], state["read"] - state["given"])
        return read(*arguments)

    pictures.read = counted  # type: ignore[method-assign]
    for _ in Sweep(plan, pictures, sums, pace).answers():
        state["given"] += 1
        time.sleep(0.0005)
    assert state["given"] == 256 and state["most"] <= pace.ahead + 1


def test_a_cancelled_sweep_ends_within_a_tile_and_its_journal_goes_on(
    pictures: TilePictures, tmp_path: Path
) -> None:
    plan = plan_tiles(pictures.info.size, SizeWH(64, 64), 0)
    whole = found(Sweep(plan, pictures, sums, Pace(1, 1)))
    seen: list[int] = []

    def check() -> None:
        if len(seen) >= 5:
            raise CancelledError("stop")

    with open_journal(tmp_path / "j", "key", "then") as journal, pytest.raises(CancelledError):
        for tile, _ in Sweep(plan, pictures, sums, Pace(1, 1), check, journal).answers():
            seen.append(tile.number)
    looked: list[int] = []

    def noted(images: np.ndarray, tiles: Sequence[Tile]) -> list[dict[str, Any]]:
        looked.extend(tile.number for tile in tiles)
        return sums(images, tiles)

    with open_journal(tmp_path / "j", "key", "now") as journal:
        assert journal.started_at == "then" and len(journal) == 5
        sweep = Sweep(plan, pictures, noted, Pace(1, 1), journal=journal)
        assert found(sweep) == whole
        assert sweep.tally.resumed == 5 and not set(looked) & set(seen)
        journal.remove()
    assert list(tmp_path.glob("j*")) == []


def test_a_journal_of_other_work_is_started_anew(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j", "one", "then") as journal:
        journal.put(3, {"a": np.arange(3)})
    with open_journal(tmp_path / "j", "one", "now") as journal:
        answer = journal.get(3)
        assert answer is not None and answer["a"].tolist() == [0, 1, 2]
    with open_journal(tmp_path / "j", "two", "now") as journal:
        assert len(journal) == 0 and journal.started_at == "now"


def test_neighbours_are_read_by_one_thread_unless_it_has_too_much_to_do() -> None:
    pace, run = Pace(readers=2, workers=4), 5
    assert pace.ahead == 2 * run
    plan = plan_tiles(SizeWH(64 * 2 * run, 64 * 4), SizeWH(64, 64), 0)
    tiles, goes_on, prepared = list(plan.tiles()), threading.Event(), []
    goes_on.set()

    def read(_: Tile) -> Any:
        assert goes_on.wait(10)
        return threading.get_ident()

    readers = _Readers(pace, lambda: prepared.append(threading.get_ident()), read)
    try:
        by = {(tile.row, tile.col): readers.submit(tile).result() for tile in tiles}
        left, right = by[0, 0], by[0, run]
        assert left != right and set(prepared) == {left, right}
        assert by == {(tile.row, tile.col): left if tile.col < run else right for tile in tiles}
        goes_on.clear()
        waiting = [readers.submit(tile) for tile in tiles if tile.col < run]
        goes_on.set()
        counts = Counter(future.result() for future in waiting)
        assert counts[left] > counts[right] >= run
    finally:
        readers.shutdown()


def test_a_killed_process_loses_few_bytes_of_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_copilot.tiles.journal.COMMIT_EVERY_BYTES", 1_000)
    with open_journal(tmp_path / "j", "key", "then") as journal:
        kept = []
        for number in range(6):
            journal.put(number, {"a": np.full(400, number, dtype=np.uint8)})
            with closing(sqlite3.connect(tmp_path / "j")) as seen:
                kept.append(seen.execute("SELECT count(*) FROM tiles").fetchone()[0])
        assert kept == [0, 0, 3, 3, 3, 6]
        journal.put(6, None)
        last = journal.get(4)
        assert last is not None and last["a"].tolist() == [4] * 400
        assert journal.get(6) is None and len(journal) == 7


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("something of the user's")
    with pytest.raises(StorageError, match="journal"):
        open_journal(tmp_path / "j", "key", "now")
    assert (tmp_path / "j").read_text() == "something of the user's"


def test_arrays_survive_packing() -> None:
    arrays = {"a": np.zeros((0, 4, 2), dtype=np.float32), "b": np.arange(5)}
    back = unpack(pack(arrays))
    assert back is not None and {k: v.dtype for k, v in back.items()} == {
        k: v.dtype for k, v in arrays.items()
    }
    assert unpack(pack(None)) is None


def test_a_damaged_block_costs_its_tile_and_is_tried_again(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(256, 256))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(bytes(data))
    with (
        open_tile_pictures(str(path)) as pictures,
        open_journal(tmp_path / "j", "key", "now") as journal,
    ):
        plan = plan_tiles(pictures.info.size, SizeWH(64, 64), 0)
        sweep = Sweep(plan, pictures, sums, Pace(2, 2), journal=journal)
        answers = dict(found(sweep))
        assert 1 <= len(sweep.tally.damaged) <= 6 and "damage" in sweep.tally.first_damage
        assert all(answers[number] is None and number not in journal for number in sweep.tally.damaged)
        assert sum(answer is not None for answer in answers.values()) >= 10


def test_an_error_of_the_work_ends_the_sweep(pictures: TilePictures) -> None:
    def fail(images: np.ndarray, tiles: Sequence[Tile]) -> list[dict[str, Any]]:
        raise StorageError("full")

    plan = plan_tiles(pictures.info.size, SizeWH(64, 64), 0)
    with pytest.raises(StorageError):
        found(Sweep(plan, pictures, fail, Pace(2, 2)))
