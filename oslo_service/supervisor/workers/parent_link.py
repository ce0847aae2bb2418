# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A worker's link to its parent, and the watch over the parent's life."""

import contextlib
import os
from typing import TYPE_CHECKING

from oslo_service._common import lazy_imports
from oslo_service.supervisor.exchange.framing import FRAME
from oslo_service.supervisor.workers.actions import OrderKind
from oslo_service.supervisor.workers.channel import (
    ALIVE,
    MUTATED,
    OVERDUE,
    READY,
    SERVED,
    STOPPED,
    Channel,
)
from oslo_service.supervisor.workers.stacks import StacksOfWorker

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange import pipe
    from oslo_service.supervisor.workers import stack_dumps
else:
    stack_dumps = lazy_imports.module("oslo_service.supervisor.workers.stack_dumps")

__all__ = ("ParentLink",)


class ParentLink:
    """The parent, seen from a worker.

    :param channel: the worker's end of the control pipes.
    :param parent: the parent's pid.
    :param stacks: what is left to the parent.
    :param pidfd: a descriptor of the parent, which this closes; None: there is none.
    :ivar outbox: what is told besides reports; None: there is no way to.
    """

    def __init__(
        self,
        channel: Channel,
        parent: int,
        stacks: StacksOfWorker,
        pidfd: int | None,
    ) -> None:
        self._channel: Channel | None = channel
        self.outbox: pipe.Outbox | None = channel.outbox
        self._messages: list[bytes] = []
        self.parent = parent
        self._stacks = stacks
        self._stacks_fd = stacks.open()
        self._pidfd = pidfd
        self._listens = False
        self._gone = False
        self._unawaited = False

    def filenos(self) -> list[int]:
        """Return the descriptors to wait for until they can be read."""
        fds = [] if self._channel is None else [self._channel.fileno()]
        if self._pidfd is not None:
            fds.append(self._pidfd)
        return fds

    def filenos_to_write(self) -> list[int]:
        """Return the descriptors that something waits to be written to."""
        outbox = self.outbox
        return [outbox.fileno()] if outbox is not None and outbox.pending else []

    def flush(self) -> None:
        """Write what waits for that."""
        if self.outbox is not None:
            self.outbox.flush()

    def listen(self, readable: set[int]) -> list[OrderKind]:
        """Return the parent's orders; its death is an order to stop."""
        orders = self._receive(readable)
        # A dying process closes its descriptors before it hands over its children.
        gone = self._channel is None or self._pidfd in readable or self._orphaned
        if gone and not self._gone:
            self._gone = True
            if self._channel is not None:  # what it has said last
                orders += self._receive({self._channel.fileno()})
            self._hang_up()  # the stacks stay: a timer may be set to write there
            orders.append(OrderKind.STOP)
        return orders

    def take_messages(self) -> list[bytes]:
        """Return the messages that have come with the orders."""
        messages, self._messages = self._messages, []
        return messages

    @property
    def parent_gone(self) -> int | None:
        """The parent's pid, if that has been found to be gone."""
        return self.parent if self._gone else None

    @property
    def _orphaned(self) -> bool:
        # 0: it is in another namespace, where it has no number: pid_namespaces(7).
        return os.getppid() not in (self.parent, 0)

    @property
    def stacks_fd(self) -> int | None:
        """The descriptor to leave stacks in, while there is a parent to read them."""
        return None if self._orphaned else self._stacks_fd

    def _receive(self, readable: set[int]) -> list[OrderKind]:
        if self._channel is None or self._channel.fileno() not in readable:
            return []
        found = self._channel.receive()
        if found is None:
            self._channel.close()
            self._channel = None
        known = {kind.value: kind for kind in OrderKind}
        orders = [known[one] for one in found or () if one in known]
        self._messages += [one[1:] for one in found or () if one[:1] == FRAME]
        self._unawaited |= OrderKind.UNAWAITED in orders
        return [one for one in orders if one is not OrderKind.UNAWAITED]

    @property
    def unawaited(self) -> bool:
        """Whether the parent's program ends without waiting for its launcher."""
        return self._unawaited

    def tell_ready(self) -> None:
        """Say that every start() has returned."""
        self._tell(READY)

    def tell_stopped(self) -> None:
        """Say that every stop() has returned."""
        self._tell(STOPPED)

    def tell_mutated(self) -> None:
        """Say that an order to mutate has been carried out."""
        self._tell(MUTATED)

    def tell_alive(self) -> None:
        """Answer the parent; the next time, it may not be able to."""
        self._tell(ALIVE)
        self.offer_stacks()

    def offer_stacks(self) -> None:
        """Have the parent get the stacks of this process, whatever becomes of it.

        Where the system has no room for that, it is tried again the next time.
        """
        if not self._listens and self._stacks_fd is not None:
            with contextlib.suppress(OSError):
                stack_dumps.listen(self._stacks_fd)
                self._listens = True

    def tell_served(self) -> None:
        """Say that as many requests have been answered as may be."""
        self._tell(SERVED)

    def tell_overdue(self, what: str) -> None:
        """Say that some work has taken longer than it may.

        :param what: which, in words.
        """
        if self._stacks_fd is not None:
            self._stacks.leave_text(self._stacks_fd, what)
            stack_dumps.write(self._stacks_fd)
        self._tell(OVERDUE)

    def leave_error(self, error: BaseException) -> None:
        """Leave to the parent what the service has failed of."""
        if self._stacks_fd is not None:
            self._stacks.leave_error(self._stacks_fd, error)

    def _tell(self, message: bytes) -> None:
        if self._channel is not None:
            self._channel.send(message)

    def close(self) -> None:
        """Close what is held."""
        self._hang_up()
        fd, self._stacks_fd = self._stacks_fd, None
        if fd is not None:
            os.close(fd)

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
