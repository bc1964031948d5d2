"""A sweep handed to the workers of a Dask cluster: same plan, same answers, same journal as on one machine.

Parts are blocks of neighbouring tiles, so that a worker decodes a block of the file once. A part is a
function of the plan alone: where a worker is lost its parts run again elsewhere; nothing is counted twice.
Answers go through the journal and come out in the order of the plan, so that seams are merged as by one
process. Workers open the raster themselves: they need its path or URL (``s3://``), not its pixels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import ClusterError, MissingDependencyError
from rs_copilot.tiles.journal import Journal, pack
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import Tile, TilePlan
from rs_copilot.tiles.sweep import Pace, Sweep, Tally, Work

# Tiles along each side of a part: a minute or less of work, and few blocks shared with other parts.
PART_SIDE = 8
PARTS_PER_WORKER = 3
RETRIES = 5
CONNECT_S = 20.0
POLL_S = 0.2
HINT = "Install it with `pip install rs-copilot[cluster]`, here and on every worker."


class WorkMaker(Protocol):
    """How a worker gets ready: small, hashable, and the same everywhere."""

    def open(self) -> Work:
        """Load what the work needs; called once in every worker."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class PartAnswer:
    """Packed answers of the tiles of a part by number, and which could not be read."""

    answers: tuple[tuple[int, bytes], ...]
    damaged: tuple[int, ...]
    first_damage: str


@lru_cache(maxsize=2)
def _ready(maker: WorkMaker, source: str) -> tuple[Work, TilePictures]:
    """Opened once a worker: a network may take longer to load than a part to answer."""
    return maker.open(), open_tile_pictures(source)


def run_part(maker: WorkMaker, source: str, plan: TilePlan, numbers: tuple[int, ...]) -> PartAnswer:
    """Answer some tiles of a plan; runs in a worker."""
    work, pictures = _ready(maker, source)
    part = plan.only(np.array(numbers, dtype=np.int64))
    sweep = Sweep(part, pictures, work, Pace(readers=1, workers=1))
    answers = tuple((tile.number, pack(arrays)) for tile, arrays in sweep.answers())
    lost = frozenset(sweep.tally.damaged)
    return PartAnswer(
        tuple(item for item in answers if item[0] not in lost),
        tuple(sweep.tally.damaged),
        sweep.tally.first_damage,
    )


def parts_of(plan: TilePlan, known: Journal) -> list[tuple[int, ...]]:
    """Tiles that are not known yet, in blocks, the blocks row by row."""
    numbers = np.array([n for n in plan.numbers if int(n) not in known], dtype=np.int64)
    columns = len(plan.columns.starts)
    row, col = np.divmod(numbers, columns)
    block = (row // PART_SIDE) * (columns // PART_SIDE + 1) + col // PART_SIDE
    order = np.argsort(block, kind="stable")
    cuts = np.flatnonzero(np.diff(block[order])) + 1
    return [tuple(int(n) for n in part) for part in np.split(numbers[order], cuts) if len(part)]


@dataclass
class ClusterSweep:
    """One run through a plan on a cluster; gives what `Sweep` gives."""

    plan: TilePlan
    source: str
    maker: WorkMaker
    scheduler: str
    journal: Journal
    check: Callable[[], None] = lambda: None
    tally: Tally = field(default_factory=Tally)

    def answers(self) -> Iterator[tuple[Tile, dict[str, NDArray[Any]] | None]]:
        """Tiles in order with their answers; ``None`` where there is no data, or it could not be read.

        Raises:
            ClusterError: no scheduler answers, or its workers were lost again and again.
            RsCopilotError: what a worker raises.
            MissingDependencyError: the package is not installed.
            StorageError: the journal cannot be written.
        """
        self.tally.resumed = sum(int(n) in self.journal for n in self.plan.numbers)
        parts = parts_of(self.plan, self.journal)
        with open_client(self.scheduler) as client:
            done = self._run_parts(client, parts)
            for tile in self.plan.tiles():
                while not self._is_known(tile.number):
                    next(done)
                yield tile, self._answer(tile.number)

    def _is_known(self, number: int) -> bool:
        return number in self.journal or number in self.tally.damaged

    def _answer(self, number: int) -> dict[str, NDArray[Any]] | None:
        self.tally.done += 1
        answer = self.journal.get(number) if number in self.journal else None
        self.tally.empty += answer is None
        return answer

    def _run_parts(self, client: Any, parts: list[tuple[int, ...]]) -> Iterator[None]:  # noqa: ANN401  no types
        """Keep every worker busy, but no more than that in flight; each step keeps what has come in."""
        waiting = iter(parts)
        flying: list[Any] = []
        try:
            while True:
                room = PARTS_PER_WORKER * max(1, len(client.scheduler_info()["workers"])) - len(flying)
                for numbers, _ in zip(waiting, range(room), strict=False):
                    flying.append(self._submit(client, numbers))
                self.check()
                finished = [future for future in flying if future.done()]
                for future in finished:
                    flying.remove(future)
                    self._keep(future)
                if not finished:
                    time.sleep(POLL_S)
                yield
        finally:
            for future in flying:
                future.cancel()

    def _submit(self, client: Any, numbers: tuple[int, ...]) -> Any:  # noqa: ANN401
        return client.submit(
            run_part, self.maker, self.source, self.plan, numbers, retries=RETRIES, pure=False
        )

    def _keep(self, future: Any) -> None:  # noqa: ANN401
        part: PartAnswer = future.result()
        for number, blob in part.answers:
            self.journal.put_packed(number, blob)
        self.tally.damaged.extend(part.damaged)
        self.tally.first_damage = self.tally.first_damage or part.first_damage


@contextmanager
def open_client(scheduler: str) -> Iterator[Any]:
    """A client of a scheduler: an address such as ``tcp://host:8786``, or ``local:N`` for N processes here.

    Raises:
        MissingDependencyError: the package is not installed.
        ClusterError: nobody answers at the address.
    """
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "The package 'distributed' is needed for --scheduler and not installed.", hint=HINT
        ) from error
    kind, _, count = scheduler.partition(":")
    with ExitStack() as stack:
        if kind == "local":
            workers = int(count) if count.isdigit() and int(count) else None
            scheduler = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
                )
            ).scheduler_address
        try:
            client = stack.enter_context(distributed.Client(scheduler, timeout=CONNECT_S))
        except (OSError, ValueError) as error:
            raise ClusterError(f"no scheduler answers at {scheduler}: {error}") from error
        try:
            yield client
        except (distributed.KilledWorker, distributed.CommClosedError) as error:
            raise ClusterError(f"the cluster lost the work: {error}") from error
