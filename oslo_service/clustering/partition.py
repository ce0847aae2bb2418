# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which keys are this process's, of those that a group shares."""

import contextvars
import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from oslo_config import cfg

from oslo_service import backend
from oslo_service._common import coroutines
from oslo_service._common.fork_safety import PerProcess
from oslo_service.clustering import host, membership, settings
from oslo_service.clustering.group import Group
from oslo_service.clustering.ring import Ring

__all__ = ("Partition",)

LOG = logging.getLogger("oslo_service.cluster")

K = TypeVar("K")
OnChange = Callable[["Partition"], object]


class Partition:
    """Which keys are this process's, of those that a group shares.

    A key belongs to one member, nearly always: while members join or leave, two may
    take it for theirs, or none, for a fifth of a lease or so.

    A process becomes a member when it first asks for a key, or earlier by
    :meth:`join`; it leaves when its services stop, or when its lease ends.

    :param group: the name that the members share, another one for other keys.
    :param conf: has the options.
    :param on_change: called with this object when the members have changed, in a
        task of its own. Changes during a call lead to one further call.
    :raises TypeError: ``on_change`` is asynchronous.
    """

    def __init__(
        self,
        group: str,
        conf: cfg.ConfigOpts | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        self.group = group
        self._conf = conf
        coroutines.refuse(on_change, "on_change")
        self._on_change = on_change
        self._views: PerProcess[dict[object, _View]] = PerProcess(dict)
        host.prepare()
        membership.check_before_launch()

    def __reduce__(self) -> tuple[object, ...]:
        # For workers that are spawned: each becomes a member by itself.
        return type(self), (self.group, self._conf, self._on_change)

    def join(self) -> None:
        """Become a member; returns when this process is one, or after a lease.

        :raises ClusterOptionError: the options will never allow it.
        """
        self._view()

    def owns(self, key: object) -> bool:
        """Whether a key is this process's.

        :param key: bytes; of anything else, what :class:`str` makes of it.
        :raises ClusterOptionError: see :meth:`join`.
        """
        return self._view().owns(key)

    def mine(self, keys: Iterable[K]) -> list[K]:
        """Return the keys that are this process's, in their order.

        :param keys: those to choose from; see :meth:`owns`.
        """
        owns = self._view().owns
        return [key for key in keys if owns(key)]

    @property
    def members(self) -> frozenset[str]:
        """The members; none where this process may not be one."""
        return self._view().group.members

    def leave(self) -> None:
        """Stop being a member; the others take over at once."""
        for key, view in list(self._views.get().items()):
            del self._views.get()[key]
            view.leave()

    def _view(self) -> "_View":
        conf = self._conf or settings.configured()
        member, views = membership.member(conf), self._views.get()
        view = views.get(member)
        if view is None:
            name = f"{settings.read(conf).group}.{self.group}"
            made = _View(self, member, name)
            view = views.setdefault(member, made)
            if view is made:  # of two that are the first, one becomes the member
                view.begin()
        return view


class _View:
    """The partition, as one process sees it."""

    def __init__(self, partition: Partition, member: Any, name: str) -> None:
        self._partition = partition
        self._member = member
        self._name = name
        self._ring: tuple[frozenset[str], Ring | None] = frozenset(), None
        self._calling = self._changed_again = self._left = False
        self.group: Group = member.group(name, self._changed)
        self._begun = backend.get_backend().event()
        self._context = contextvars.copy_context()

    def begin(self) -> None:
        """Become a member."""
        self._member.add(self.group)
        self._begun.set()

    def leave(self) -> None:
        """Stop being a member.

        Nobody is called for that: a function that asks for a key would join again.
        """
        self._left = True
        self.group.release_soon()
        self._member.hurry()

    def owns(self, key: object) -> bool:
        """Whether a key is this process's."""
        self._begun.wait()
        members = self.group.members
        if len(members) < 2:
            return bool(members)
        known, ring = self._ring
        if ring is None or known != members:
            ring = Ring(members, self._member.name)
            self._ring = members, ring
        return ring.owns(key)

    def _changed(self, members: frozenset[str]) -> None:
        """Have the user's function called, in a task that may block."""
        del members
        if self._left:
            return
        self._changed_again = True
        if self._partition._on_change is not None and not self._calling:
            self._calling = True
            run = functools.partial(self._context.copy().run, self._call)
            name = f"partition {self._partition.group}"
            backend.get_backend().spawn(run, name=name)

    def _call(self) -> None:
        self._begun.wait()
        while self._changed_again and not self._left:
            self._changed_again = False
            try:
                self._partition._on_change(self._partition)  # type: ignore[misc]
            except Exception:
                LOG.exception("The function for changes of %s failed", self._name)
            finally:
                self._calling = self._changed_again
