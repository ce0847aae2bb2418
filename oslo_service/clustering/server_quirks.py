# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What differs among the servers, and among tooz's drivers for them."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

__all__ = (
    "confirmation",
    "describe",
    "forget_locks",
    "is_refusal",
    "is_taken",
    "make_coordinator",
    "start",
    "stop",
)

# What clients raise where the credentials are refused, or missing.
_REFUSALS = frozenset(
    {
        "AuthFailedError",
        "AuthenticationError",
        "AuthenticationWrongNumberOfArgsError",
        "NoAuthError",
        "NoPermissionError",
    }
)
# What etcd says then.
_REFUSAL_PHRASES = (
    "authentication failed",
    "invalid auth token",
    "permission denied",
    "user name is empty",
    "user name not found",
)


def make_coordinator(url: str, member: bytes, seconds: int) -> Any:
    """Return a coordinator of tooz that has not been started.

    All time-outs follow from one value, whatever the URL says of them.

    :param member: the name of this process among the members.
    :param seconds: the lease; a call may block for a third of it.
    """
    from tooz import coordination

    patience = max(1, seconds // 3)
    limits: dict[str, Any] = {
        "timeout": patience,
        "lock_timeout": seconds,
        "membership_timeout": seconds,
        "executor": "sync",  # a task of ours makes the calls
    }
    if url.startswith(("zookeeper:", "kazoo:", "file:")):
        limits["timeout"] = seconds  # the session's, or the membership's
    if url.startswith("redis:"):
        limits["socket_timeout"] = limits["socket_connect_timeout"] = patience
    coordinator = coordination.get_coordinator(url, member, **limits)
    if url.startswith("redis:"):
        _limit_retries(coordinator)
    return coordinator


def _limit_retries(coordinator: Any) -> None:
    """Limit a call to Redis to the socket's time-out.

    The client would retry by itself, with growing pauses, for which tooz has no option.
    """
    make = coordinator._make_client

    @functools.wraps(make)
    def make_impatient(*args: Any, **kwargs: Any) -> Any:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client = make(*args, **kwargs)
        client.set_retry(Retry(NoBackoff(), 0))
        client.transaction = functools.partial(_look_once, client.transaction)
        return client

    coordinator._make_client = make_impatient


# A key that nobody changes.
_UNCHANGED = b"_oslo_service_unchanged"


def _look_once(transaction: Callable[..., Any], do: Any, *_: Any, **how: Any) -> Any:
    """Read, and change, a group of Redis once, whoever changes it meanwhile.

    The client would start over at each change: of a hundred members that join, each
    makes all the others start over, and none gets through before its membership ends.
    A member that is overwritten finds that out, and joins again.
    """
    return transaction(do, _UNCHANGED, **how)


def start(coordinator: Any, seconds: int) -> float | None:
    """Connect.

    :returns: the lease that the server grants, in seconds; None: what was asked for.
    """
    session: list[float] = []
    kazoo = getattr(coordinator, "_coord", None)
    connection = getattr(kazoo, "_connection", None)
    if connection is not None:
        _note_session(connection, session)
    coordinator.start()
    if session:
        return session[-1]
    client = getattr(coordinator, "client", None)
    if hasattr(client, "lease"):
        return _granted(client, seconds)
    return None


def stop(coordinator: Any) -> None:
    """Leave the groups, and close the connection with its descriptors."""
    kazoo: Any = getattr(coordinator, "_coord", None)
    coordinator.stop()
    if hasattr(kazoo, "close"):
        kazoo.close()  # tooz leaves two descriptors to the garbage


def _note_session(connection: Any, session: list[float]) -> None:
    """Record the time-outs of sessions of ZooKeeper, in seconds, as they are agreed."""
    connect = connection._connect

    def note(*args: Any, **kwargs: Any) -> Any:
        result = connect(*args, **kwargs)
        # kazoo returns its own: two thirds of what was agreed, in milliseconds.
        session.append(round(result[0] * 1.5 / 1000.0, 3))
        return result

    connection._connect = note


def _granted(client: Any, seconds: int) -> float:
    """Return the lease that etcd grants, in seconds: it has a minimum of its own."""
    lease = client.lease(seconds)
    try:
        url = client.get_url("/kv/lease/timetolive")
        return float(client.post(url, json={"ID": lease.id})["grantedTTL"])
    finally:
        with contextlib.suppress(Exception):
            lease.revoke()


def confirmation(lock: Any, kind: str) -> Callable[[], object]:
    """Return what confirms a lock, and returns whether it still is held.

    A lock of ZooKeeper lasts as long as the session, and has no heartbeat of its own;
    that of a file as long as the process.

    :param kind: the scheme of the URL.
    """
    if kind == "file":
        return lock.is_still_owner  # type: ignore[no-any-return]
    if kind in ("zookeeper", "kazoo"):
        return functools.partial(_is_owner, lock)
    return functools.partial(_heartbeat, lock)


def _is_owner(lock: Any) -> bool:
    """Whether a session still has a lock of ZooKeeper.

    :raises ConnectionError: the server cannot be asked; tooz would take that for no.
    """
    if lock.is_still_owner():
        return True
    if lock.acquired and not lock._client.connected:
        raise ConnectionError("the connection is lost; the session may not be")
    return False


def _heartbeat(lock: Any) -> bool:
    """Confirm a lock; False where the server says that it is lost."""
    try:
        return bool(lock.heartbeat())
    except Exception as exc:
        if any(type(one).__name__ == "LockNotOwnedError" for one in _chain(exc)):
            forget_locks(lock._coord, lock)  # or tooz warns at each heartbeat
            return False
        raise


def forget_locks(coordinator: Any, *locks: Any) -> None:
    """Make a coordinator forget locks that it takes for held; none given: all."""
    known = getattr(coordinator, "_acquired_locks", None)
    if known is not None:
        for one in locks or tuple(known):
            with contextlib.suppress(KeyError, ValueError):
                known.remove(one)


def is_taken(lock: Any) -> bool:
    """Whether a lock is taken, where a failed attempt to take it is expensive.

    With etcd, an attempt begins with a lease, which is written to the disk, and stays
    there until it ends.
    """
    client: Any = getattr(getattr(lock, "_coord", None), "client", None)
    return hasattr(client, "lease") and bool(client.get(lock._key.decode()))


def describe(error: BaseException) -> str:
    """Return the message of an error, or of its cause: clients leave some empty."""
    said = (f"{one}" for one in _chain(error))
    return next(filter(None, said), type(error).__name__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_refusal(error: BaseException) -> bool:
    """Whether an error says that the server refuses the credentials."""
    for one in _chain(error):
        if any(kind.__name__ in _REFUSALS for kind in type(one).__mro__):
            return True
        said = f"{one} {getattr(one, 'detail_text', '')}".lower()
        if any(phrase in said for phrase in _REFUSAL_PHRASES):
            return True
    return False
