"""Working through a plan: some threads read tiles ahead, others answer them in batches.

Memory follows the tiles in flight and not the raster. Answers come in the order of the plan, whichever thread
was quicker, so that two runs give the same.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
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
        readers = ThreadPoolExecutor(self.pace.readers, "rs-copilot-read")
        workers = ThreadPoolExecutor(self.pace.workers, "rs-copilot-tile")
        try:
            yield from _Flow(self, readers, workers).run()
        finally:
            readers.shutdown(wait=True, cancel_futures=True)
            workers.shutdown(wait=True, cancel_futures=True)

    def read(self, tile: Tile) -> ByteImage | None:
        """The picture of a tile; damage is noted and passed over, so that one bad block costs one tile."""
        try:
            return self.pictures.read(self.plan, tile)
        except RasterError as error:
            self.tally.damaged.append(tile.number)
            self.tally.first_damage = self.tally.first_damage or error.message
            return None


class _State(Enum):
    """How far a tile is."""

    KNOWN = auto()
    READING = auto()
    EMPTY = auto()
    WAITING = auto()
    WORKING = auto()


@dataclass
class _Slot:
    """A tile on its way; ``place`` is its place in the batch."""

    tile: Tile
    state: _State
    picture: Future[ByteImage | None] | None = None
    batch: Future[Sequence[Arrays]] | None = None
    place: int = 0

    @property
    def is_ready(self) -> bool:
        """Whether its answer can be given."""
        if self.state is _State.WORKING:
            return self.batch is not None and self.batch.done()
        return self.state in (_State.KNOWN, _State.EMPTY)


class _Flow:
    """The slots of a sweep in the order of the plan, and the batch that is filling up."""

    def __init__(self, sweep: Sweep, readers: Executor, workers: Executor) -> None:
        self.sweep, self.readers, self.workers = sweep, readers, workers
        self.tiles = sweep.plan.tiles()
        self.slots: deque[_Slot] = deque()
        self.filling: list[tuple[_Slot, ByteImage]] = []
        self.stirred = threading.Event()

    def run(self) -> Iterator[tuple[Tile, dict[str, NDArray[Any]] | None]]:
        """Keep all threads busy; give the first slot as soon as it is known."""
        while True:
            self.sweep.check()
            # Cleared before looking: what ends from here on is seen below, or ends the wait.
            self.stirred.clear()
            self._read_ahead()
            if not self.slots:
                return
            self._hand_over()
            if self.slots[0].is_ready:
                slot = self.slots.popleft()
                yield slot.tile, self._answer(slot)
            else:
                self.stirred.wait(POLL_S)

    def _read_ahead(self) -> None:
        journal = self.sweep.journal
        for tile in islice(self.tiles, max(0, self.sweep.pace.ahead - len(self.slots))):
            if journal is not None and tile.number in journal:
                self.slots.append(_Slot(tile, _State.KNOWN))
            else:
                picture = self.readers.submit(self.sweep.read, tile)
                picture.add_done_callback(self._stir)
                self.slots.append(_Slot(tile, _State.READING, picture))

    def _hand_over(self) -> None:
        """Give pictures that are there to the workers, in order, in full batches; the last may be smaller."""
        for slot in self.slots:
            if slot.picture is None:
                continue
            if not slot.picture.done():
                return
            picture, slot.picture = slot.picture.result(), None
            slot.state = _State.EMPTY if picture is None else _State.WAITING
            if picture is not None:
                self.filling.append((slot, picture))
                self._send(self.sweep.pace.batch)
        self._send(1)

    def _send(self, enough: int) -> None:
        if len(self.filling) < enough:
            return
        images = _batch([picture for _, picture in self.filling])
        future = self.workers.submit(self.sweep.work, images, [slot.tile for slot, _ in self.filling])
        future.add_done_callback(self._stir)
        for place, (slot, _) in enumerate(self.filling):
            slot.state, slot.batch, slot.place = _State.WORKING, future, place
        self.filling = []

    def _answer(self, slot: _Slot) -> dict[str, NDArray[Any]] | None:
        tally, journal, number = self.sweep.tally, self.sweep.journal, slot.tile.number
        tally.done += 1
        if slot.state is _State.KNOWN and journal is not None:
            tally.resumed += 1
            return journal.get(number)
        answer = None if slot.batch is None else dict(slot.batch.result()[slot.place])
        tally.empty += answer is None
        if journal is not None and number not in tally.damaged:
            journal.put(number, answer)
        return answer

    def _stir(self, _: Future[Any]) -> None:
        self.stirred.set()


def _batch(pictures: Sequence[ByteImage]) -> ByteImage:
    """Pictures as ``(B, H, W, 3)``, still band by band in memory: one alone is not copied."""
    if len(pictures) == 1:
        return pictures[0][None]
    return np.moveaxis(np.stack([np.moveaxis(picture, -1, 0) for picture in pictures]), 1, -1)
