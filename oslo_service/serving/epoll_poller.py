# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which descriptors are ready, by epoll(7)."""

from oslo_service._common import clock
from oslo_service._common.times import LONGEST_POLL
from oslo_service.backend.base import Driver
from oslo_service.serving.poller import READ, Found, Poller

__all__ = ("EpollPoller",)

# How many descriptors are returned at a time.
_BATCH = 64
# How long a task that finds something each time goes on while others wait, where
# tasks are cooperative, in seconds.
_YIELD_INTERVAL = 0.002


class EpollPoller(Poller):
    """A poller by epoll(7), which is edge-triggered itself."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        select = driver.original("select")
        self._epoll = select.epoll()
        self._parallel = driver.capabilities.parallel
        self._yielded_at = 0.0
        self._finds = False
        # Workers that share a listener do not all wake for one client.
        self._listening = select.EPOLLIN | getattr(select, "EPOLLEXCLUSIVE", 0)
        self._reading = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
        self._writing = self._reading | select.EPOLLOUT
        self._woken = (self._wake_read, READ)
        self._epoll.register(self._wake_read, select.EPOLLIN)

    def add_listener(self, fd: int) -> None:
        """Report clients, one worker for each where the kernel can."""
        self._epoll.register(fd, self._listening)

    def add(self, fd: int) -> None:
        """Report edges only."""
        self._epoll.register(fd, self._reading)

    def want_write(self, fd: int, wanted: bool) -> None:
        """Report at once if it is writable already."""
        self._epoll.modify(fd, self._writing if wanted else self._reading)

    def remove(self, fd: int) -> None:
        """Stop reporting it: closing will not do where others have it open."""
        self._epoll.unregister(fd)

    def wait(self, timeout: float | None) -> list[Found]:
        """Wait in the kernel, or in the model's scheduler."""
        if timeout is not None and timeout > LONGEST_POLL:
            timeout = LONGEST_POLL
        poll = self._epoll.poll if self._parallel else self._poll_cooperative
        found: list[Found] = poll(timeout, _BATCH)
        if self._woken in found:
            found.remove(self._woken)
            self._drain_wake_pipe()
        return found

    def _poll_cooperative(self, timeout: float | None, most: int) -> list[Found]:
        """Wait as long as there is nothing; else, let others run now and then."""
        if self._finds and clock.now() > self._yielded_at + _YIELD_INTERVAL:
            # Before an edge is taken, which would be lost with a task that ends here.
            self._driver.sleep(0)
            self._yielded_at = clock.now()
        ready: list[Found] = self._epoll.poll(0, most)
        self._finds = bool(ready)
        if not ready:
            self._driver.wait_ready((self._epoll.fileno(),), (), timeout)
            self._yielded_at = clock.now()
            ready = self._epoll.poll(0, most)
        return ready

    def _release(self) -> None:
        self._epoll.close()
        super()._release()
