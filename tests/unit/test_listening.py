# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Listening sockets and their files."""

import os
import pathlib
import socket
import threading

import pytest

from oslo_service.sockets import binding, open_sockets


@pytest.fixture
def listener(tmp_path):
    path = str(tmp_path / "socket")
    made = binding.listen_on_path(socket, path, None, 1)
    listener = binding.BoundSocket(made, path)
    yield listener
    listener.close()


@pytest.mark.parametrize("again", ["close", "remove_file"])
def test_where_two_close_it_the_file_is_gone_for_both(
    listener, monkeypatch, again: str
) -> None:
    # The process may end as soon as either of them has returned.
    path = pathlib.Path(listener.path)
    unlink = pathlib.Path.unlink
    begun, gate = threading.Event(), threading.Event()
    seen = []

    def slowly(self: pathlib.Path, **options: bool) -> None:
        begun.set()
        assert gate.wait(30)
        unlink(self, **options)

    def close_again() -> None:
        getattr(listener, again)()
        seen.append(path.exists())

    monkeypatch.setattr(pathlib.Path, "unlink", slowly)
    threads = [threading.Thread(target=one) for one in (listener.close, close_again)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    threads[1].join(0.1)  # time enough to return too early
    gate.set()
    for thread in threads:
        thread.join(30)
    assert seen == [False]


def test_a_forked_child_leaves_the_file_to_its_parent(listener) -> None:
    pid = os.fork()
    if pid == 0:
        listener.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert pathlib.Path(listener.path).exists()


def test_a_file_that_cannot_be_removed_keeps_no_other_socket_open(tmp_path) -> None:
    # A directory stands for what another user owns: unlink() fails for both.
    stubborn, other = tmp_path / "stubborn", tmp_path / "other"
    stubborn.mkdir()
    pairs = [socket.socketpair() for _ in range(2)]
    sockets = [
        binding.BoundSocket(one, str(path))
        for (one, _), path in zip(pairs, (stubborn, other), strict=True)
    ]
    for one in sockets:
        open_sockets.add(one)
    errors = open_sockets.refuse_clients()
    assert [str(stubborn) in str(error) for error in errors] == [True]
    assert all(one.closed for one in sockets)
    for _, peer in pairs:
        peer.close()


def test_what_is_no_socket_is_named_and_left_as_it_is(tmp_path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    link = tmp_path / "link"
    file.write_text("kept")
    folder.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    kinds = {file: "a file", folder: "a directory", link: "a symbolic link"}
    for path, kind in kinds.items():
        with pytest.raises(OSError, match=f"on {path}: {kind} is there, which is no"):
            binding.listen_on_path(socket, str(path), 0o600, 1)
    assert file.read_text() == "kept"
    assert folder.is_dir()
    assert link.is_symlink()
