# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether a process is in the foreground of a terminal, on real ones."""

import errno
import os
import pty
import sys

import pytest

from oslo_service.supervisor import foreground


class Stream:
    def __init__(self, fd: int) -> None:
        self.fileno = lambda: fd


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield ours, theirs
    for fd in (ours, theirs):
        try:
            os.close(fd)
        except OSError:
            continue


def test_what_writes_to_a_file_is_a_daemon(tmp_path, monkeypatch) -> None:
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        assert foreground.is_daemon()
        assert foreground.is_daemon(if_gone=False)


@pytest.mark.parametrize("stream", [None, object()])
def test_what_has_no_descriptor_to_write_to_is_a_daemon(monkeypatch, stream) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    assert foreground.is_daemon(if_gone=False)


def test_a_terminal_of_others_makes_no_foreground(terminal, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(terminal[1]))
    assert foreground.is_daemon(if_gone=False)


@pytest.mark.parametrize("if_gone", [True, False])
def test_a_terminal_that_has_gone_is_what_whoever_asks_remembers(
    monkeypatch, if_gone
) -> None:
    def gone(_fd: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "tcgetpgrp", gone)
    monkeypatch.setattr(sys, "stdout", Stream(1))
    assert foreground.is_daemon(if_gone=if_gone) is if_gone
