# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Files as responses (PEP 3333, "Optional Platform-Specific File Handling")."""

import io
import os
import stat
from collections.abc import Iterator
from typing import Any

__all__ = ("FileWrapper",)


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
            it is no file of the file system, or its size says nothing, as in
            proc(5).
        """
        try:
            fd = self.file.fileno()
            offset = self.file.tell()
            status = os.fstat(fd)
        except (AttributeError, OSError, io.UnsupportedOperation):
            return None
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return None
        return fd, offset, max(0, status.st_size - offset)
