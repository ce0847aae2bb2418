# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What workers leave to their parent."""

import os
from collections.abc import Iterator

import pytest

from oslo_service.supervisor.workers.stacks import Stacks, StacksOfWorker


@pytest.fixture
def stacks() -> Iterator[Stacks]:
    made = Stacks.make()
    yield made
    made.close()


def write(part: StacksOfWorker, *lines: bytes) -> None:
    fd = part.open()
    assert fd is not None
    for line in lines:
        os.write(fd, line)
    os.close(fd)


def test_what_was_written_is_read_once(stacks) -> None:
    write(stacks.of(3), b"Thread 1\n", b"  File x\xff\n")
    assert stacks.of(3).text() == "Thread 1\n  File x\ufffd\n"
    assert stacks.of(3).text() == ""


def test_workers_that_write_at_once_do_not_mix(stacks) -> None:
    first, second = stacks.of(1).open(), stacks.of(2).open()
    for word in (b"one ", b"two "):
        os.write(first, b"first " + word)
        os.write(second, b"second " + word)
    os.close(first)
    os.close(second)
    assert stacks.of(1).text() == "first one first two "
    assert stacks.of(2).text() == "second one second two "


def test_a_part_is_used_again_by_a_later_worker(stacks) -> None:
    write(stacks.of(3), b"a long text of the first worker")
    stacks.of(3).text()
    write(stacks.of(3 + 4096), b"short")
    assert stacks.of(3 + 4096).text() == "short"


def test_where_nothing_was_left_there_is_nothing(stacks) -> None:
    assert stacks.of(0).text() == ""


@pytest.mark.parametrize("how", ["unknown", "forbidden"])
def test_where_there_are_no_files_in_memory_there_is_none(monkeypatch, how) -> None:
    def forbidden(name: str) -> int:
        raise PermissionError(1, name)

    if how == "unknown":
        monkeypatch.delattr("os.memfd_create")
    else:
        monkeypatch.setattr("os.memfd_create", forbidden)
    made = Stacks.make()
    assert made.fd is None
    assert made.of(1).open() is None
    assert made.of(1).text() == ""
    made.close()


def test_its_descriptor_is_closed_once() -> None:
    stacks = Stacks.make()
    fd = stacks.fd
    assert fd is not None
    os.fstat(fd)
    stacks.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    stacks.close()
