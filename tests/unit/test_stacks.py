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


def test_what_was_written_is_shown_with_its_owner(stacks, capfd) -> None:
    os.write(stacks.fd, b"Thread 1\n")
    os.write(stacks.fd, b"  File x\n")
    stacks.show("worker 3")
    assert capfd.readouterr().err == ("The stacks of worker 3:\nThread 1\n  File x\n\n")


def test_of_one_that_left_nothing_nothing_is_said(stacks, capfd) -> None:
    stacks.show("worker 3")
    assert capfd.readouterr().err == ""


def test_without_a_standard_error_nothing_fails(stacks, monkeypatch) -> None:
    os.write(stacks.fd, b"Thread 1\n")
    monkeypatch.setattr("sys.stderr", None)
    stacks.show("worker 3")


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
    made.show("worker 3")
    made.close()
