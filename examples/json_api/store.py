# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is in stock, in an SQLite file that several processes use."""

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator

# How long to wait for another process, in seconds.
_PATIENCE = 30.0

_SCHEMA = """\
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    quantity INTEGER NOT NULL
)"""


@dataclasses.dataclass(frozen=True)
class Item:
    """Something that is in stock."""

    id: int
    name: str
    quantity: int


class Taken(Exception):
    """Another item has the name."""


class Store:
    """The stock.

    A connection is opened for each operation: none is shared by two threads,
    and none crosses a fork.

    :param path: the SQLite file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE)
        try:
            with contextlib.closing(connection), connection:
                yield connection
        except sqlite3.IntegrityError as exc:
            raise Taken from exc

    def create(self) -> None:
        """Make the table where there is none yet."""
        with self._transaction() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SCHEMA)

    def items(self) -> Iterator[Item]:
        """Return the items one by one, in the order of their numbers."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT id, name, quantity FROM items")
            yield from (Item(*row) for row in rows)

    def item(self, number: int) -> Item | None:
        """Return an item; None where there is none of that number."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT id, name, quantity FROM items WHERE id = ?", (number,)
            ).fetchone()
            return Item(*row) if row else None

    def add(self, name: str, quantity: int) -> Item:
        """Add an item, and give it a number.

        :raises Taken: another has the name.
        """
        with self._transaction() as connection:
            done = connection.execute(
                "INSERT INTO items (name, quantity) VALUES (?, ?)", (name, quantity)
            )
            return Item(done.lastrowid or 0, name, quantity)

    def put(self, item: Item) -> bool:
        """Change an item; tell whether it was there.

        :raises Taken: another has the name.
        """
        with self._transaction() as connection:
            done = connection.execute(
                "UPDATE items SET name = ?, quantity = ? WHERE id = ?",
                (item.name, item.quantity, item.id),
            )
            return done.rowcount > 0

    def remove(self, number: int) -> bool:
        """Forget an item; tell whether it was there."""
        with self._transaction() as connection:
            done = connection.execute("DELETE FROM items WHERE id = ?", (number,))
            return done.rowcount > 0
