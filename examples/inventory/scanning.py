# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looking through one partition of a directory tree."""

import dataclasses
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import store

LOG = logging.getLogger(__name__)

_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Partition:
    """A share of the files: one of so many."""

    index: int
    number: int

    def has(self, path: str) -> bool:
        """Whether a path is in this share; each is in exactly one."""
        digest = hashlib.sha256(path.encode()).digest()
        return int.from_bytes(digest[:8]) % self.number == self.index


class Interrupted(Exception):
    """The scan was asked to end before it was complete."""


class Scan:
    """One look at every file of a partition.

    :param inventory: where the inventory is.
    :param root: the directory.
    :param partition: whose files to look at.
    :param interrupted: tells whether to end early.
    """

    def __init__(
        self,
        inventory: store.Store,
        root: Path,
        partition: Partition,
        interrupted: Callable[[], bool],
    ) -> None:
        self._inventory = inventory
        self._root = root
        self._partition = partition
        self._interrupted = interrupted
        self._unseen = False

    def run(self) -> None:
        """Bring the inventory up to date.

        :raises Interrupted: what has been found so far is in the inventory.
        """
        known = self._inventory.files(self._partition.index)
        found, changed = set(), 0
        for path, name in self._files():
            if self._interrupted():
                raise Interrupted
            found.add(name)
            changed += self._look(path, name, known.get(name))
        # A directory that could not be read says nothing about its files.
        gone = set() if self._unseen else known.keys() - found
        self._inventory.end_scan(self._partition.index, gone)
        LOG.log(
            logging.INFO if changed or gone else logging.DEBUG,
            "Partition %d: %d files, %d new or changed, %d gone",
            *(self._partition.index, len(found), changed, len(gone)),
        )

    def _files(self) -> Iterator[tuple[Path, str]]:
        for directory, _, names in os.walk(self._root, onerror=self._on_error):
            for path in (Path(directory, name) for name in names):
                name = store.name_of(path, self._root)
                if self._partition.has(name):
                    yield path, name

    def _on_error(self, error: OSError) -> None:
        LOG.error("What is below a directory is not seen: %s", error)
        self._unseen = True

    def _look(self, path: Path, name: str, known: store.File | None) -> bool:
        """Look at a file; tell whether there is anything new."""
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                return False
            seen = (status.st_size, status.st_mtime_ns)
            if known is not None and (known.size, known.mtime_ns) == seen:
                return False
            checksum = self._checksum(path)
        except OSError as exc:
            LOG.warning("Passed over: %s", exc)
            return False
        self._inventory.put(
            self._partition.index, store.File(name, *seen, sha256=checksum)
        )
        return True

    def _checksum(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                if self._interrupted():
                    raise Interrupted
                # Computing does not let green threads run: this does.
                time.sleep(0)
        return digest.hexdigest()
