# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Worker processes at the moment at which something is scarce."""

import errno
import os
from collections.abc import Iterator
from unittest import mock

import pytest

from oslo_service.supervisor.workers import forking, process

SCARCE = OSError(errno.EMFILE, "no descriptor")


@pytest.mark.parametrize("step", ["leave_to_parent", "stacks"])
def test_a_worker_that_cannot_begin_does_not_become_a_second_parent(step) -> None:
    pipes = mock.Mock()
    getattr(pipes, step).side_effect = SCARCE
    pipes.stacks.open.side_effect = SCARCE
    me = os.getpid()
    plan = mock.Mock()
    plan.driver.capabilities.parallel = False
    try:
        pid = forking.fork(plan, pipes)
    finally:
        if os.getpid() != me:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing is known of the system yet."""
    own = process._own_pidfd.get()
    process._own_pidfd.set(None)
    process.pidfds_work.cache_clear()
    yield
    process._own_pidfd.set(own)
    process.pidfds_work.cache_clear()


@pytest.mark.usefixtures("fresh")
class TestDescriptorsOfProcesses:
    @pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
    def test_that_there_is_none_now_does_not_mean_that_there_are_none(
        self, number
    ) -> None:
        with mock.patch.object(
            process.os, "pidfd_open", side_effect=OSError(number, "none")
        ):
            assert process.pidfds_work()
            assert process.own_pidfd() is None
        fd = process.own_pidfd()
        assert fd is not None
        assert process.own_pidfd() == fd
        os.close(fd)

    @pytest.mark.parametrize(
        "error", [AttributeError(), OSError(errno.ENOSYS, "none"), PermissionError()]
    )
    def test_a_system_without_them_is_known(self, error) -> None:
        with mock.patch.object(process.os, "pidfd_open", side_effect=error):
            assert not process.pidfds_work()
            assert process.own_pidfd() is None
