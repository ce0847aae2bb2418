# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a launcher has launched, seen from the supervisor."""

import abc
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from oslo_config import cfg

from oslo_service.backend.base import Event

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange.inquiries import Respondent
    from oslo_service.supervisor.facts import ServiceFacts
    from oslo_service.supervisor.tally import Tally

__all__ = ("Unit",)


class Unit(abc.ABC):
    """The services of one launcher: in this process, or in worker processes.

    Orders and :meth:`advance` are for whoever turns the supervisor; the rest is
    thread-safe.

    :ivar ended: set when everything in it has ended.
    :ivar conf: its configuration, where it has one.
    :ivar post: has an order carried out by whoever turns; thread-safe.
    :ivar awaited_by_program: whether its launcher's ``wait()`` has been called.
    :ivar held_by: whether the process does what its end has to wait for: looked at
        again when that is over.
    """

    ended: Event
    awaited_by_program = False
    post: Callable[[Callable[[], object]], object]
    held_by: Callable[[], bool] | None = None
    conf: cfg.ConfigOpts | None = None

    def held(self) -> bool:
        """Whether its end has to wait for what else the process does."""
        return self.held_by is not None and self.held_by()

    # Orders

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop everything in it, in order."""

    @abc.abstractmethod
    def reload(self) -> None:
        """Do what SIGHUP means to it."""

    @abc.abstractmethod
    def stop_now(self) -> None:
        """Do what of a stop cannot wait: async-signal-safe.

        The time-out is armed, and workers are told; :meth:`stop` follows.
        """

    def resize(
        self,
        wanted: Callable[[int], int],  # noqa: ARG002 - what runs here is one
        service: str | None = None,  # noqa: ARG002
    ) -> int:
        """Have services run by other numbers of workers from now on.

        :param wanted: given how many there are to be of a service, how many there
            are to be from now on; less than 1 counts as 1.
        :param service: which, as it is called in the log; None: every one.
        :returns: how many services that concerns: none that runs in this process.
        """
        return 0

    def quit(self) -> None:  # noqa: B027 - what runs here ends with the process
        """End the processes in it at once."""

    def kill(self) -> None:  # noqa: B027 - likewise
        """End the processes in it, now: thread-safe, and async-signal-safe."""

    def kill_one(self, respondent: "Respondent") -> bool:  # noqa: ARG002
        """End one of the processes in it, now; return whether it is one."""
        return False

    def tell_unawaited(self) -> None:  # noqa: B027 - what runs here has been told
        """Tell the processes in it that the program ends without a ``wait()``."""

    # Orders of programs, by any task

    def give_stop(self, order: Callable[[], object]) -> None:
        """Have an order to stop it carried out.

        Where its services run in this process, and the caller may wait: block until
        every ``stop()`` has returned.
        """
        self.post(order)

    def give_reload(self, order: Callable[[], object]) -> None:
        """Have an order to reload it carried out; likewise, until all are reset."""
        self.post(order)

    def refuse_own(self) -> None:  # noqa: B027 - a worker's is refused as a stranger
        """Refuse a wait for its end that it would wait for itself.

        :raises RuntimeError: the caller is a method of a service of this process.
        """

    # Turning

    @abc.abstractmethod
    def advance(self, now: float) -> None:
        """Do what is to be done."""

    def filenos(self) -> Iterable[int]:
        """Return the descriptors to wait for until they can be read."""
        return ()

    def filenos_to_write(self) -> Iterable[int]:
        """Return the descriptors to wait for until they can be written to."""
        return ()

    def collect(  # noqa: B027
        self, readable: set[int], writable: set[int], now: float
    ) -> None:
        """Take in what the descriptors tell."""

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        return None

    # The state

    @property
    @abc.abstractmethod
    def status(self) -> int:
        """What the launcher's exit status is."""

    @property
    @abc.abstractmethod
    def stopping(self) -> bool:
        """Whether it was told to stop."""

    @property
    def stop_delay(self) -> float:
        """The seconds that it goes on for after a SIGTERM; async-signal-safe."""
        return 0.0

    @property
    def gave_up(self) -> bool:
        """Whether it stops because a service cannot be kept up."""
        return False

    @property
    @abc.abstractmethod
    def reloading(self) -> bool:
        """Whether what SIGHUP means is not done yet."""

    @property
    @abc.abstractmethod
    def all_stopped(self) -> bool:
        """Whether nothing in it serves any longer."""

    @property
    def draining(self) -> bool:
        """Whether services of this process are stopped to be started again."""
        return False

    @property
    def services(self) -> list[Any]:
        """The services that run in this process."""
        return []

    @abc.abstractmethod
    def is_ready(self, *, patient: bool) -> bool:
        """Whether everything has started.

        :param patient: whether a ``start()`` in this process that does not
            return is waited for.
        """

    def still_starting(self) -> str:
        """Name the services of this process whose ``start()`` has not returned."""
        return ""

    @abc.abstractmethod
    def still_running(self) -> str:
        """Name what has not ended."""

    @property
    def workers(self) -> int:
        """How many processes run, past their start; once it stops, all there are."""
        return 1

    @property
    def slots(self) -> int:
        """How many processes there are to be."""
        return 1

    @property
    def has_workers(self) -> bool:
        """Whether it runs in worker processes, of which there may be more or less."""
        return False

    @property
    def replacements(self) -> int:
        """How many workers were started in the place of dead ones."""
        return 0

    def facts(
        self,
        tally: "Tally",  # noqa: ARG002
        now: float,  # noqa: ARG002
    ) -> Iterable["ServiceFacts"]:
        """Return what is known of its services.

        :param tally: what has happened before.
        """
        return ()

    def limits(self) -> dict[str, float]:
        """Return what its configuration limits, by the names of the options."""
        return {}

    # Worker processes

    def children(self) -> dict[int, Any]:
        """Return what each worker runs, by pid."""
        return {}

    def recycle(
        self,
        service: str | None = None,  # noqa: ARG002
        worker: int | None = None,  # noqa: ARG002
    ) -> int:
        """Have workers replaced, each when its successor is ready; return how many.

        :param service: of which service, as it is called in the log; None: of all.
        :param worker: the one in this slot; None: in any.
        """
        return 0

    def request_stacks(self, respondent: "Respondent") -> None:  # noqa: B027
        """Have a worker write its stacks though it does not answer."""

    def stacks_of(self, respondent: "Respondent") -> str:  # noqa: ARG002
        """Return the stacks that a worker has written; it is none of these: nothing."""
        return ""

    def respondents(self) -> Iterable["Respondent"]:
        """Return the workers that can be asked something."""
        return ()

    def send(self, respondent: "Respondent", message: bytes) -> bool:  # noqa: ARG002
        """Send a worker a message; return whether that was possible."""
        return False

    def ask(self) -> None:  # noqa: B027 - this process answers for itself
        """Have every worker say that it can answer."""

    def silent(self, now: float) -> list[str]:  # noqa: ARG002
        """Name the workers that should have been heard of by now."""
        return []

    def await_killed(self, until: float) -> None:  # noqa: B027
        """Wait until the workers, which were killed, have ended."""

    def close(self) -> None:  # noqa: B027
        """Close what is held for as long as it has not ended."""

    def abandon(self) -> None:  # noqa: B027
        """Close what belongs to the parent, in a freshly forked process."""
