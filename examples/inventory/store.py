# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The inventory: an SQLite file that several processes write.

Each operation opens a connection of its own and closes it again: a connection
must neither cross a fork nor go from thread to thread.
"""

import contextlib
import dataclasses
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

# How long one process waits for another that is writing, in seconds.
_PATIENCE = 30.0

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS files (
        path TEXT PRIMARY KEY,
        partition INTEGER NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sha256 TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS workers (
        partition INTEGER PRIMARY KEY,
        pid INTEGER NOT NULL,
        interval REAL NOT NULL,
        scans INTEGER NOT NULL
    );
"""


@dataclasses.dataclass(frozen=True)
class File:
    """What is known of a file."""

    path: str
    size: int
    mtime_ns: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Worker:
    """The process that looks after a partition: the latest that did."""

    partition: int
    pid: int
    interval: float
    scans: int


def name_of(path: Path, root: Path) -> str:
    """Return the name of a file in the inventory: its path below the root."""
    # What is not UTF-8 in a name of a file cannot be text in SQLite.
    name = os.fsencode(path.relative_to(root))
    return name.decode("utf-8", "backslashreplace")


class Store:
    """The inventory in one SQLite file.

    :param path: the file. Constructing a store does not open it.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE)
        with contextlib.closing(connection), connection:
            yield connection

    def create(self) -> None:
        """Make the tables where there are none yet."""
        # SQLite does not wait for its turn to switch a file to WAL.
        with Path(f"{self.path}-create").open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            with self._transaction() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)

    def begin(self, partition: int, pid: int, interval: float) -> None:
        """Note that a process looks after a partition from now on."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO workers VALUES (?, ?, ?, 0)",
                (partition, pid, interval),
            )

    def set_interval(self, partition: int, interval: float) -> None:
        """Note the interval that a partition is scanned at."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE workers SET interval = ? WHERE partition = ?",
                (interval, partition),
            )

    def workers(self) -> list[Worker]:
        """List the processes, by partition."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT partition, pid, interval, scans FROM workers ORDER BY partition"
            )
            return [Worker(*row) for row in rows]

    def files(self, partition: int | None = None) -> dict[str, File]:
        """Return the files by path: those of a partition, or all."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT path, size, mtime_ns, sha256 FROM files"
                " WHERE partition = coalesce(?, partition)",
                (partition,),
            )
            return {row[0]: File(*row) for row in rows}

    def put(self, partition: int, file: File) -> None:
        """Add a file, or what is new about it."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
                (file.path, partition, file.size, file.mtime_ns, file.sha256),
            )

    def end_scan(self, partition: int, gone: Iterable[str]) -> None:
        """Forget the files that are gone, and count the scan."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM files WHERE path = ? AND partition = ?",
                [(path, partition) for path in gone],
            )
            connection.execute(
                "UPDATE workers SET scans = scans + 1 WHERE partition = ?",
                (partition,),
            )

    def keep_partitions(self, number: int) -> None:
        """Forget what partitions had that do not exist any more."""
        with self._transaction() as connection:
            for table in ("files", "workers"):
                connection.execute(
                    f"DELETE FROM {table} WHERE partition >= ?",  # noqa: S608
                    (number,),
                )
