"""What a sweep has done already, on disk, so that a job that was killed goes on where it stood.

One SQLite file in WAL mode beside the result: a process that dies leaves every committed tile. The key says
what was swept how; a journal of another key is started anew. Answers of tiles are named arrays: a line of
JSON with names, types and shapes, then their bytes (packing an .npz takes a millisecond, for every tile).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs_copilot.errors import StorageError

Arrays = Mapping[str, NDArray[Any]]
# What a killed process may cost, whichever comes first. Written one by one tiles take three times as long.
COMMIT_EVERY_S, COMMIT_EVERY_BYTES = 1.0, 1_000_000


def pack(arrays: Arrays | None) -> bytes:
    """Named arrays as bytes; ``None`` (a tile without data) as none."""
    if arrays is None:
        return b""
    kinds = [(name, values.dtype.str, values.shape) for name, values in arrays.items()]
    parts = [np.ascontiguousarray(values).tobytes() for values in arrays.values()]
    return b"".join([json.dumps(kinds).encode(), b"\n", *parts])


def unpack(blob: bytes) -> dict[str, NDArray[Any]] | None:
    """What `pack` made."""
    if not blob:
        return None
    head, _, body = blob.partition(b"\n")
    arrays, first = {}, 0
    for name, kind, shape in json.loads(head):
        dtype = np.dtype(kind)
        last = first + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(body[first:last], dtype=dtype).reshape(shape).copy()
        first = last
    return arrays


class Journal:
    """Answers of tiles by number. Use it as a context manager; one thread at a time."""

    def __init__(self, path: Path, key: str, started_at: str) -> None:
        self.path = path
        with _storage(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None)
            # An answer takes some 20 kB: in pages of 4 it costs twice the time.
            self._connection.execute("PRAGMA page_size = 65536")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("CREATE TABLE IF NOT EXISTS about (key TEXT, started_at TEXT)")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS tiles (number INTEGER PRIMARY KEY, answer BLOB NOT NULL)"
            )
            found = self._connection.execute("SELECT key, started_at FROM about").fetchone()
            if found is None or found[0] != key:
                self._restart(key, started_at)
        self.started_at = found[1] if found is not None and found[0] == key else started_at
        self._done = {row[0] for row in self._connection.execute("SELECT number FROM tiles")}
        self._waiting: list[tuple[int, bytes]] = []
        self._waiting_bytes = 0
        self._committed_s = time.monotonic()

    def _restart(self, key: str, started_at: str) -> None:
        self._connection.execute("DELETE FROM about")
        self._connection.execute("DELETE FROM tiles")
        self._connection.execute("INSERT INTO about VALUES (?, ?)", (key, started_at))

    def __len__(self) -> int:
        return len(self._done)

    def __contains__(self, number: int) -> bool:
        return number in self._done

    def get(self, number: int) -> dict[str, NDArray[Any]] | None:
        """The answer of a tile that is in the journal; ``None`` where the tile had no data."""
        query = "SELECT answer FROM tiles WHERE number = ?"
        with _storage(self.path):
            self._commit()
            return unpack(self._connection.execute(query, (number,)).fetchone()[0])

    def put(self, number: int, arrays: Arrays | None) -> None:
        """Keep the answer of a tile.

        Raises:
            StorageError: the disk is full.
        """
        self.put_packed(number, pack(arrays))

    def put_packed(self, number: int, blob: bytes) -> None:
        """Keep an answer that is packed already; see `put`."""
        self._waiting.append((number, blob))
        self._waiting_bytes += len(blob)
        self._done.add(number)
        is_late = time.monotonic() - self._committed_s > COMMIT_EVERY_S
        if is_late or self._waiting_bytes > COMMIT_EVERY_BYTES:
            with _storage(self.path):
                self._commit()

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._waiting_bytes, self._committed_s = 0, time.monotonic()
        if waiting:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR REPLACE INTO tiles VALUES (?, ?)", waiting)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Keep what is there, for a later run."""
        with _storage(self.path), closing(self._connection):
            self._commit()

    def remove(self) -> None:
        """The work is done: nothing is left to go on with."""
        with _storage(self.path):
            # Closing copies the log into the file; what is deleted next need not reach the disk.
            self._waiting = []
            self._connection.execute("PRAGMA synchronous = OFF")
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path.exists():
            self.close()


def open_journal(path: Path, key: str, started_at: str) -> Journal:
    """The journal of a sweep: what an earlier run of the same key left, or an empty one.

    Args:
        path: the file.
        key: everything that decides the answers; another key starts anew.
        started_at: when this run began; a journal that goes on keeps the time of its first run.

    Raises:
        StorageError: it cannot be written, or the file is something else.
    """
    return Journal(path, key, started_at)


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise StorageError(
            f"the journal {path} cannot be used: {error}",
            hint="Free some space, or remove the file to start from the beginning.",
        ) from error
