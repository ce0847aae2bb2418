# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Files as responses (PEP 3333, "Optional Platform-Specific File Handling")."""

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from typing import Any

__all__ = ("FileWrapper",)

# What open() leaves in a file.
_OWN = frozenset(("name", "mode"))


class FileWrapper:
    """The blocks of a file, from where it stands to its end.

    :param file: has ``read(size)``.
    :param block_size: of what is read at a time, in bytes.
    """

    def __init__(self, file: Any, block_size: int = 65536) -> None:
        self.file = file
        self.block_size = block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while block := self.file.read(self.block_size):
            yield block

    def region(self) -> tuple[int, int, int] | None:
        """Return where the system can find the blocks by itself.

        :returns: a descriptor, the offset and the number of bytes; None where
            ``read()`` may give something else than what is there, where it is no
            file of the file system, or its size says nothing, as in proc(5).
        """
        plain = _plain_file(self.file)
        if plain is None:
            return None
        try:
            fd = plain.fileno()
            offset = plain.tell()
            status = os.fstat(fd)
        except (ValueError, OSError):
            return None
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return None
        return fd, offset, max(0, status.st_size - offset)


def _plain_file(file: Any) -> Any:
    """Return the file whose ``read()`` gives what its descriptor has; else None.

    Whatever else has a ``fileno()`` may decompress, decrypt, or give less.
    """
    kind = type(file)
    if kind is tempfile._TemporaryFileWrapper:
        # It keeps those methods that have been called.
        return None if "read" in vars(file) else _plain_file(file.file)
    if kind is tempfile.SpooledTemporaryFile:
        return None if "read" in vars(file) else _plain_file(file._file)
    if kind is io.BufferedReader or kind is io.BufferedRandom:
        return file if _is_untouched(file) and _is_raw(file.raw) else None
    return file if _is_raw(file) else None


def _is_raw(file: Any) -> bool:
    return type(file) is io.FileIO and _is_untouched(file)


def _is_untouched(file: Any) -> bool:
    """Whether no method has been replaced in the object itself."""
    return bool(vars(file).keys() <= _OWN)
