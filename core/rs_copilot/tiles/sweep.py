"""Working through a plan: some threads read tiles ahead, others answer them in batches of neighbours.

Memory follows the tiles in flight and not the raster. Answers come in the order of the plan, whichever thread
was quicker, so that two runs give the same.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import RasterError
from rs_copilot.tiles.journal import Arrays, Journal
from rs_copilot.tiles.pictures import TilePictures
from rs_copilot.tiles.plan import Tile, TilePlan
from rs_copilot.types import ByteImage

Work = Callable[[ByteImage, Sequence[Tile]], Sequence[Arrays]]
# A cancelled job is noticed this often while all threads are busy.
POLL_S = 0.05


@dataclass(frozen=True)
class Pace:
    """How a sweep uses the machine: threads that read, threads that answer, tiles a batch."""

    readers: int
    workers: int
    batch: int = 1

    @property
    def ahead(self) -> int:
        """Tiles in memory at once, at most."""
        return self.readers + 2 * self.workers * self.batch


def pace_for(device: str, batch: int) -> Pace:
    """On the processor every core answers one tile at a time; a graphics card gets whole batches."""
    cores = usable_cores()
    if device == "cpu":
        return Pace(readers=max(1, cores // 2), workers=cores, batch=1)
    return Pace(readers=cores, workers=1, batch=max(1, batch))


def usable_cores() -> int:
    """What OMP_NUM_THREADS allows, else every core of this process."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Tally:
    """What became of the tiles so far. ``damaged`` holds numbers of tiles that could not be read."""

    done: int = 0
    resumed: int = 0
    empty: int = 0
    damaged: list[int] = field(default_factory=list)
    first_damage: str = ""


@dataclass
class Sweep:
    """One run through a plan.

    ``work`` answers a batch ``(B, H, W, 3)`` of tiles with named arrays; it is called from several threads.
    ``check`` is called often and may raise to stop. With a ``journal`` answers are kept, and tiles that it
    holds are not read again.
    """

    plan: TilePlan
    pictures: TilePictures
    work: Work
    pace: Pace
    check: Callable[[], None] = lambda: None
    journal: Journal | None = None
    tally: Tally = field(default_factory=Tally)

    def answers(self) -> Iterator[tuple[Tile, dict[str, NDArray[Any]] | None]]:
        """Tiles in order with their answers; ``None`` where there is no data, or it could not be read.

        Raises:
            StorageError: the journal cannot be written.
            RsCopilotError: what ``work`` or ``check`` raises; threads have ended by then.
        """
        readers = _Readers(self.pace, self._prepare_reader, self.read)
        workers = ThreadPoolExecutor(self.pace.workers, "rs-copilot-tile")
        try:
            yield from self._flow(readers, workers)
        finally:
            readers.shutdown()
            workers.shutdown(wait=True, cancel_futures=True)

    def _flow(
        self, readers: _Readers, workers: Executor
    ) -> Iterator[tuple[Tile, dict[str, NDArray[Any]] | None]]:
        """Keep all threads busy; give the first batch as soon as it is answered."""
        batches, flying, tiles = self._batches(), deque[_Batch](), 0
        while True:
            self.check()
            while tiles + self.pace.batch <= self.pace.ahead and (batch := next(batches, None)) is not None:
                if not batch.is_known:
                    pictures = [readers.submit(tile) for tile in batch.tiles]
                    batch.answers = workers.submit(self._answered, batch.tiles, pictures)
                flying.append(batch)
                tiles += len(batch.tiles)
            if not flying:
                return
            if flying[0].is_ready():
                batch = flying.popleft()
                tiles -= len(batch.tiles)
                yield from self._given(batch)

    def _batches(self) -> Iterator[_Batch]:
        """Tiles in order, neighbours together; those that the journal knows are by themselves."""
        journal, waiting = self.journal, list[Tile]()
        for tile in self.plan.tiles():
            is_known = journal is not None and tile.number in journal
            if waiting and (is_known or len(waiting) == self.pace.batch):
                yield _Batch(waiting)
                waiting = []
            if is_known:
                yield _Batch([tile], is_known=True)
            else:
                waiting.append(tile)
        if waiting:
            yield _Batch(waiting)

    def _prepare_reader(self) -> None:
        """GDAL's settings, which end with the thread."""
        self.pictures.environment(self.plan, self.pace.readers).__enter__()

    def read(self, tile: Tile) -> ByteImage | None:
        """The picture of a tile; damage is noted and passed over, so that one bad block costs one tile."""
        try:
            return self.pictures.read(self.plan, tile)
        except RasterError as error:
            self.tally.damaged.append(tile.number)
            self.tally.first_damage = self.tally.first_damage or error.message
            return None

    def _answered(
        self, tiles: Sequence[Tile], pictures: list[Future[ByteImage | None]]
    ) -> list[Arrays | None]:
        """Answers of a batch in a worker, which waits for its pictures: they were asked for before."""
        found = [picture.result() for picture in pictures]
        # The futures would keep the pictures until the answers are given.
        pictures.clear()
        seen = [(tile, picture) for tile, picture in zip(tiles, found, strict=True) if picture is not None]
        if not seen:
            return [None] * len(tiles)
        answers = iter(self.work(_batch([picture for _, picture in seen]), [tile for tile, _ in seen]))
        return [None if picture is None else next(answers) for picture in found]

    def _given(self, batch: _Batch) -> Iterator[tuple[Tile, dict[str, NDArray[Any]] | None]]:
        """Answers of a batch that is ready, noted in the journal one by one."""
        tally, journal = self.tally, self.journal
        if batch.is_known and journal is not None:
            tally.done += 1
            tally.resumed += 1
            yield batch.tiles[0], journal.get(batch.tiles[0].number)
            return
        assert batch.answers is not None  # noqa: S101  # nosec B101 - all others were asked for
        for tile, arrays in zip(batch.tiles, batch.answers.result(), strict=True):
            tally.done += 1
            tally.empty += arrays is None
            if journal is not None and tile.number not in tally.damaged:
                journal.put(tile.number, arrays)
            yield tile, None if arrays is None else dict(arrays)


class _Readers:
    """Threads that read, each with the file open for itself and the blocks that it has unpacked.

    Neighbours share blocks, so they go to one reader, those of the next row too; where that one has more to
    do than another, the other helps out. With tiles dealt out in turn readers unpack most blocks thrice.
    """

    def __init__(
        self, pace: Pace, prepare: Callable[[], None], read: Callable[[Tile], ByteImage | None]
    ) -> None:
        self._read = read
        self._threads = [ThreadPoolExecutor(1, "rs-copilot-read", prepare) for _ in range(pace.readers)]
        self._waiting, self._counting = [0] * pace.readers, threading.Lock()
        # So few that there is something for all to read.
        self._run = max(1, pace.ahead // pace.readers)

    def submit(self, tile: Tile) -> Future[ByteImage | None]:
        """Read it soon."""
        own, waiting = tile.col // self._run % len(self._threads), self._waiting
        with self._counting:
            idle = min(range(len(waiting)), key=waiting.__getitem__)
            chosen = own if waiting[own] < waiting[idle] + self._run else idle
            waiting[chosen] += 1
        return self._threads[chosen].submit(self._read_in, chosen, tile)

    def _read_in(self, thread: int, tile: Tile) -> ByteImage | None:
        try:
            return self._read(tile)
        finally:
            with self._counting:
                self._waiting[thread] -= 1

    def shutdown(self) -> None:
        """End the threads; what was not begun is not read."""
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.shutdown()


@dataclass
class _Batch:
    """Tiles that are answered together, or one that the journal knows."""

    tiles: list[Tile]
    is_known: bool = False
    answers: Future[list[Arrays | None]] | None = None

    def is_ready(self) -> bool:
        """Whether its answers can be given; waits a moment for them."""
        return self.answers is None or bool(wait([self.answers], timeout=POLL_S).done)


def _batch(pictures: Sequence[ByteImage]) -> ByteImage:
    """Pictures as ``(B, H, W, 3)``, still band by band in memory: one alone is not copied."""
    if len(pictures) == 1:
        return pictures[0][None]
    return np.moveaxis(np.stack([np.moveaxis(picture, -1, 0) for picture in pictures]), 1, -1)
