# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a worker leaves to its parent."""

import os

import pytest

from oslo_service.supervisor.workers.stacks import Stacks


@pytest.fixture
def stacks():
    made = Stacks.make()
    yield made
    made.close()


def test_what_was_written_is_read_as_often_as_wanted(stacks) -> None:
    os.write(stacks.fd, b"Thread 1\n")
    os.write(stacks.fd, b"  File x\xff\n")
    assert stacks.text() == stacks.text() == "Thread 1\n  File x\ufffd\n"


def test_where_nothing_was_left_there_is_nothing(stacks) -> None:
    assert stacks.text() == ""


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
    assert made.text() == ""
    made.close()
