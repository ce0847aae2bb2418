# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent and its workers tell each other, byte by byte."""

import os
from collections.abc import Iterator

import pytest

from oslo_service.supervisor.workers.channel import (
    ALIVE,
    READY,
    STOPPED,
    Channel,
    ControlPipes,
    Reports,
)


class Stacks:
    """Says for whom stacks were asked."""

    def of(self, number: int) -> str:
        return f"stacks of {number}"


@pytest.fixture
def reports() -> Iterator[Reports]:
    reports = Reports(os)
    yield reports
    reports.close()


@pytest.fixture
def pipes(reports: Reports) -> Iterator[ControlPipes]:
    pipes = ControlPipes(os, 7, reports, Stacks())
    yield pipes
    os.close(pipes.orders)


@pytest.fixture
def channel(pipes: ControlPipes, reports: Reports) -> Iterator[Channel]:
    """The worker's end, while the parent's is open as well: it was not forked."""
    channel = Channel(os, pipes.reader, os.dup(reports.writer), pipes.number)
    yield channel
    channel.close()


class TestReports:
    """What workers say."""

    def test_each_comes_with_the_number_of_who_said_it(self, reports, channel) -> None:
        other = Channel(os, os.dup(channel.fileno()), os.dup(reports.writer), 70000)
        channel.send(READY)
        other.send(ALIVE)
        channel.send(STOPPED)
        other.close()
        assert reports.receive() == [(7, READY), (70000, ALIVE), (7, STOPPED)]
        assert reports.receive() == []

    def test_more_than_is_read_at_once_comes_whole(self, reports, channel) -> None:
        for _ in range(3000):
            channel.send(ALIVE)
        assert reports.receive() == [(7, ALIVE)] * 3000

    def test_the_rest_of_one_is_waited_for(self, reports, channel) -> None:
        channel.send(READY)
        channel.send(ALIVE)
        data = os.read(reports.fileno(), 100)
        os.write(reports.writer, data[:7])
        assert reports.receive() == [(7, READY)]
        assert reports.receive() == []
        os.write(reports.writer, data[7:])
        assert reports.receive() == [(7, ALIVE)]

    def test_a_parent_that_does_not_read_blocks_nobody(self, reports, channel) -> None:
        for _ in range(20_000):  # more than a pipe holds
            channel.send(ALIVE)
        assert reports.receive()

    def test_a_parent_that_is_gone_harms_nobody(self, channel) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        Channel(os, channel.fileno(), writer, 1).send(ALIVE)
        os.close(writer)

    def test_both_ends_are_closed(self) -> None:
        reports = Reports(os)
        reports.close()
        for descriptor in (reports.fileno(), reports.writer):
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)


class TestOrders:
    """What a worker is told."""

    def test_they_come_one_by_one(self, pipes, channel) -> None:
        assert channel.receive() == []
        os.write(pipes.orders, b"SM?")
        assert channel.receive() == [b"S", b"M", b"?"]
        assert channel.receive() == []

    def test_there_are_none_any_more_at_the_end(self) -> None:
        reader, writer = os.pipe()
        channel = Channel(os, reader, os.dup(reader), 1)
        os.close(writer)
        assert channel.receive() is None
        channel.close()
        assert channel.receive() is None

    def test_closing_it_twice_closes_nobody_elses_descriptor(self, channel) -> None:
        channel.close()
        reader, writer = os.pipe()
        channel.close()
        os.fstat(reader)
        os.fstat(writer)
        os.close(reader)
        os.close(writer)


class TestBothEnds:
    """What each side keeps of all that there is before they part."""

    def test_the_parent_keeps_the_orders_and_closes_what_is_the_workers(
        self, pipes
    ) -> None:
        pipes.leave_to_worker()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(pipes.reader)
        os.fstat(pipes.orders)

    def test_the_worker_closes_the_orders_and_keeps_a_writer_of_its_own(
        self, reports
    ) -> None:
        pipes = ControlPipes(os, 7, reports, Stacks())
        assert pipes.stacks == "stacks of 7"
        channel = pipes.leave_to_parent()
        assert channel.fileno() == pipes.reader
        assert channel.receive() is None, "nobody can give orders any more"
        channel.send(READY)
        assert reports.receive() == [(7, READY)]
        channel.close()
        os.fstat(reports.writer)

    def test_nothing_of_it_is_inherited_or_blocks(self, pipes) -> None:
        for descriptor in (pipes.reader, pipes.orders, pipes.writer):
            assert not os.get_inheritable(descriptor)
            assert not os.get_blocking(descriptor)
