# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The pipe for answers: full, broken, and used by many at a time."""

import os
import threading
from collections.abc import Iterator

import pytest

from oslo_service.supervisor.exchange.pipe import AnswersPipe, Outbox

LARGE = bytes(3_000_000)


@pytest.fixture
def pipe() -> Iterator[AnswersPipe]:
    pipe = AnswersPipe(os)
    yield pipe
    pipe.close()


@pytest.fixture
def outbox(pipe: AnswersPipe) -> Iterator[Outbox]:
    outbox = Outbox(os, os.dup(pipe.writer), 7)
    yield outbox
    outbox.close()


def test_what_is_sent_comes_with_the_number_of_who_sent_it(pipe, outbox) -> None:
    other = Outbox(os, os.dup(pipe.writer), 8)
    outbox.send(b"one")
    other.send(b"two")
    outbox.send(b"")
    other.close()
    assert pipe.receive() == [(7, b"one"), (8, b"two"), (7, b"")]
    assert pipe.receive() == []


def test_a_parent_that_does_not_read_blocks_nobody(pipe, outbox) -> None:
    waits = []
    outbox.on_wait = lambda: waits.append(outbox.pending)
    outbox.send(LARGE)
    outbox.send(b"next")
    assert outbox.pending
    assert waits == [True, True]
    found = []
    while outbox.pending:
        found += pipe.receive()
        outbox.flush()
    found += pipe.receive()
    assert found == [(7, LARGE), (7, b"next")]


def test_what_waits_for_long_is_bounded(pipe, outbox) -> None:
    for _ in range(10):
        outbox.send(LARGE)
    outbox.send(b"latest")
    found = []
    while outbox.pending:
        found += pipe.receive()
        outbox.flush()
    found += pipe.receive()
    assert found[-1] == (7, b"latest")
    assert 0 < len(found) < 10
    assert set(found[:-1]) == {(7, LARGE)}


def test_threads_may_send_at_the_same_time(pipe, outbox) -> None:
    messages = [bytes([number]) * 10_000 for number in range(8)]
    threads = [
        threading.Thread(target=outbox.send, args=(message,)) for message in messages
    ]
    found: list[tuple[int, bytes]] = []
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    while len(found) < len(messages):
        outbox.flush()
        more = pipe.receive()
        assert more or outbox.pending
        found += more
    assert sorted(found) == [(7, message) for message in messages]


def test_everything_is_written_before_the_end(pipe, outbox) -> None:
    found = []
    outbox.send(LARGE)
    outbox.drain(lambda _left: found.extend(pipe.receive()), 30)
    found += pipe.receive()
    assert found == [(7, LARGE)]


def test_a_parent_that_reads_nothing_does_not_hold_up_the_end(outbox) -> None:
    outbox.send(LARGE)
    waits = []
    outbox.drain(waits.append, 0.05)
    assert outbox.pending
    assert all(0 < one <= 0.05 for one in waits)


def test_a_parent_that_is_gone_harms_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outbox = Outbox(os, writer, 1)
    outbox.send(b"lost")
    assert not outbox.pending
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)
    outbox.send(b"lost, too")
    outbox.close()


def test_closing_it_twice_closes_nobody_elses_descriptor(outbox) -> None:
    outbox.close()
    reader, writer = os.pipe()
    outbox.close()
    outbox.flush()
    os.close(reader)
    os.close(writer)


def test_it_is_closed_after_who_writes() -> None:
    written = []

    class System:
        """Has it closed in the middle of a write."""

        @staticmethod
        def write(fd: int, data: bytes) -> int:
            outbox.close()
            written.append(fd)
            return len(data)

        @staticmethod
        def close(fd: int) -> None:
            written.append(f"closed {fd}")

    outbox = Outbox(System, 3, 1)
    outbox.send(LARGE)
    assert written == [3, "closed 3"]


def test_what_a_worker_has_not_finished_goes_with_it(pipe, outbox) -> None:
    outbox.send(b"whole")
    outbox.send(LARGE)
    assert pipe.receive_last(7) == [(7, b"whole")]
    other = Outbox(os, os.dup(pipe.writer), 7)
    other.send(b"another's")
    other.close()
    assert pipe.receive() == [(7, b"another's")]


def test_both_ends_are_closed() -> None:
    pipe = AnswersPipe(os)
    pipe.close()
    for descriptor in (pipe.fileno(), pipe.writer):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_nothing_of_it_is_inherited_or_blocks(pipe) -> None:
    for descriptor in (pipe.fileno(), pipe.writer):
        assert not os.get_inheritable(descriptor)
        assert not os.get_blocking(descriptor)
