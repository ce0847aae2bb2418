# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A connection to a server by way of tooz."""

import contextlib
import urllib.parse
from collections.abc import Iterator
from typing import Any

from oslo_service._common.extras import need, without_eventlet
from oslo_service.backend.exceptions import ClusterOptionError
from oslo_service.clustering import schemes, server_quirks
from oslo_service.clustering.connection import Connection, Lock, Unreachable

__all__ = ("ToozConnection", "check_url")

_OPTION = "[oslo_service] cluster_url"


def check_url(url: str) -> schemes.Scheme:
    """Return what a URL's scheme can do; tooz and its client are imported.

    :param url: the value of ``cluster_url``.
    :raises ClusterOptionError: it is no URL, or its scheme is unknown or will not do,
        or a package is missing.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ClusterOptionError(f"{_OPTION}: {_hide(url, url)} is no URL") from None
    if not parts.scheme:
        raise ClusterOptionError(
            f"{_OPTION} is a URL of tooz, such as redis://redis.example:6379; what is"
            " set has no scheme"
        )
    scheme = schemes.known(parts.scheme)
    try:
        with without_eventlet():
            need("tooz.coordination", "cluster")
            if scheme.package is not None:
                need(scheme.package, "cluster")
    except ImportError as exc:
        raise ClusterOptionError(f"{_OPTION}: {parts.scheme}: {exc}") from None
    return scheme


class ToozConnection(Connection):
    """A connection to a server by way of tooz.

    :param url: the value of ``cluster_url``.
    :param member: the name of this process among the members; ASCII.
    :param seconds: the length of a lease.
    """

    def __init__(self, url: str, member: str, seconds: int) -> None:
        self._url = url
        self._member = member.encode()
        self._seconds = seconds
        self._kind = urllib.parse.urlsplit(url).scheme
        scheme = schemes.known(self._kind)
        self.lease = scheme.lease(seconds)
        self.membership = float(seconds)
        self.slack = scheme.slack
        self.lasting = scheme.lasting
        self._coordinator: Any = None

    def open(self) -> None:
        """Connect, by a fresh coordinator."""
        check_url(self._url)
        with without_eventlet():
            self._coordinator = self._make_coordinator()
            with self._refusing():
                granted = server_quirks.start(self._coordinator, self._seconds)
        if granted is not None and granted != self._seconds:
            self.close()
            raise ClusterOptionError(
                f"[oslo_service] cluster_lease: {self._seconds} s are asked for, and"
                f" the server at cluster_url grants {granted:g} s"
            )

    def _make_coordinator(self) -> Any:
        try:
            return server_quirks.make_coordinator(
                self._url, self._member, self._seconds
            )
        except Exception as exc:  # noqa: BLE001 - raised again, as one of ours
            message = self._describe(exc)
            raise ClusterOptionError(f"{_OPTION}: {message}") from None

    def close(self) -> None:
        """Leave the groups and close the connection, as far as that is possible."""
        coordinator, self._coordinator = self._coordinator, None
        if coordinator is not None and coordinator.is_started:
            with contextlib.suppress(Exception):
                # Locks that are held have been released; the others are lost.
                server_quirks.forget_locks(coordinator)
                server_quirks.stop(coordinator)

    def lock(self, name: str) -> Lock:
        """Return a fresh lock object."""
        with self._talking():
            lock = self._coordinator.get_lock(name.encode())
            return _ToozLock(self, lock, self._kind)

    def heartbeat(self) -> None:
        """Keep this process a member; with etcd, get the lease that members need."""
        with self._talking():
            self._coordinator.heartbeat()

    def join(self, group: str) -> None:
        """Become a member; a membership of an earlier connection is replaced."""
        from tooz import coordination

        name = group.encode()
        with self._talking():
            with contextlib.suppress(coordination.GroupAlreadyExist):
                self._coordinator.create_group(name).get()
            try:
                self._coordinator.join_group(name).get()
            except coordination.MemberAlreadyExist:
                self._coordinator.leave_group(name).get()
                self._coordinator.join_group(name).get()

    def leave(self, group: str) -> None:
        """Stop being a member."""
        from tooz import coordination

        gone = coordination.MemberNotJoined, coordination.GroupNotCreated
        with self._talking(), contextlib.suppress(*gone):
            self._coordinator.leave_group(group.encode()).get()

    def members(self, group: str) -> frozenset[str]:
        """Return the members."""
        from tooz import coordination

        with self._talking():
            try:
                found = self._coordinator.get_members(group.encode()).get()
            except coordination.GroupNotCreated:
                found = ()
            return frozenset(one.decode() for one in found)

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """Raise whatever fails as :exc:`Unreachable`.

        Clients raise errors of many kinds, not all of which tooz translates.
        """
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - raised again, as one of ours
            raise Unreachable(self._describe(exc)) from None

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Tell refused credentials from a server that does not answer."""
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - raised again, as one of ours
            self.close()
            message = self._describe(exc)
            if server_quirks.is_refusal(exc):
                raise ClusterOptionError(
                    f"{_OPTION}: {message}: the server refuses the credentials"
                ) from None
            raise Unreachable(message) from None

    def _describe(self, error: BaseException) -> str:
        return _hide(f"{self._kind}: {server_quirks.describe(error)}", self._url)


class _ToozLock(Lock):
    def __init__(self, connection: ToozConnection, lock: Any, kind: str) -> None:
        self._talking = connection._talking
        self._lock = lock
        self._confirm = server_quirks.confirmation(lock, kind)

    def acquire(self) -> bool:
        """Take it, if nobody has it."""
        with self._talking():
            if server_quirks.is_taken(self._lock):
                return False
            return bool(self._lock.acquire(blocking=False))

    def heartbeat(self) -> bool:
        """Keep it."""
        with self._talking():
            return bool(self._confirm())

    def release(self) -> None:
        """Give it back."""
        with self._talking():
            self._lock.release()


def _hide(text: str, url: str) -> str:
    """Return a text without the password that is in a URL."""
    secrets: set[str] = set()
    rest = url.partition("://")[2]
    authority = rest.partition("/")[0]
    if "@" in authority:
        user, _, password = authority.rpartition("@")[0].partition(":")
        secrets |= {password, urllib.parse.unquote(password)}
        if not password:
            secrets |= {user, urllib.parse.unquote(user)}
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(rest).query)
    for name, values in query.items():
        if "password" in name:
            secrets |= set(values) | {urllib.parse.quote(one) for one in values}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
