# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where servers, and what tooz makes of them, differ."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

__all__ = (
    "confirmation",
    "forget_locks",
    "is_refusal",
    "is_taken",
    "make_coordinator",
    "start",
    "stop",
    "words",
)

# What clients raise where a password, or its absence, is refused.
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
_REFUSAL_WORDS = (
    "authentication failed",
    "invalid auth token",
    "permission denied",
    "user name is empty",
    "user name not found",
)


def make_coordinator(url: str, member: bytes, seconds: int) -> Any:
    """Return a coordinator of tooz that has not been started.

    One value for everything that tooz has options for; the socket's time-out is a
    third of it. What the URL says of these has no effect.
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
    """Have a call to Redis last no longer than the socket's time-out.

    The client's own retries, which tooz has no option for, would be made in addition
    to ours, with pauses that grow.
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

    It would be read again without end: of a hundred members that join, each has all
    the others begin anew, and none is heard of before its membership is over. Who is
    taken for gone, and comes just now, finds out, and joins again.
    """
    return transaction(do, _UNCHANGED, **how)


def start(coordinator: Any, seconds: int) -> float | None:
    """Connect; return the lease that the server grants, where it decides that."""
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
    """Leave the groups, and close the connection and all that it holds."""
    kazoo: Any = getattr(coordinator, "_coord", None)
    coordinator.stop()
    if hasattr(kazoo, "close"):
        kazoo.close()  # tooz leaves two descriptors to the garbage


def _note_session(connection: Any, session: list[float]) -> None:
    """Record the time-outs of sessions as they are agreed: two thirds of each."""
    connect = connection._connect

    def note(*args: Any, **kwargs: Any) -> Any:
        result = connect(*args, **kwargs)
        session.append(round(result[0] * 1.5 / 1000.0, 3))
        return result

    connection._connect = note


def _granted(client: Any, seconds: int) -> float:
    """Return the length of a lease that etcd grants: never shorter than its least."""
    lease = client.lease(seconds)
    try:
        url = client.get_url("/kv/lease/timetolive")
        return float(client.post(url, json={"ID": lease.id})["grantedTTL"])
    finally:
        with contextlib.suppress(Exception):
            lease.revoke()


def confirmation(lock: Any, kind: str) -> Callable[[], object]:
    """Return what confirms a lock.

    A lock of ZooKeeper lasts as long as the session, and has no heartbeat of its own;
    that of a file as long as the process.
    """
    if kind == "file":
        return lock.is_still_owner  # type: ignore[no-any-return]
    if kind in ("zookeeper", "kazoo"):
        return functools.partial(_is_owner, lock)
    return functools.partial(_heartbeat, lock)


def _is_owner(lock: Any) -> bool:
    """Whether a session still has a lock of ZooKeeper.

    :raises ConnectionError: that cannot be asked just now, which tooz takes for a loss.
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
            forget_locks(lock._coord, lock)  # or it is warned of at each heartbeat
            return False
        raise


def forget_locks(coordinator: Any, *locks: Any) -> None:
    """Have a coordinator not know of locks that it takes for held; none: of any."""
    known = getattr(coordinator, "_acquired_locks", None)
    if known is not None:
        for one in locks or tuple(known):
            with contextlib.suppress(KeyError, ValueError):
                known.remove(one)


def is_taken(lock: Any) -> bool:
    """Whether somebody has a lock, where it costs much to find out by asking for it.

    etcd is asked to grant a lease first, which is a write on its disk, and stays there
    until it is over.
    """
    client: Any = getattr(getattr(lock, "_coord", None), "client", None)
    return hasattr(client, "lease") and bool(client.get(lock._key.decode()))


def words(error: BaseException) -> str:
    """Return what an error says, or what has caused it; clients leave some empty."""
    said = (f"{one}" for one in _chain(error))
    return next(filter(None, said), type(error).__name__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error, and what has caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_refusal(error: BaseException) -> bool:
    """Whether a server refuses who we say that we are: in what clients raise."""
    for one in _chain(error):
        if any(kind.__name__ in _REFUSALS for kind in type(one).__mro__):
            return True
        said = f"{one} {getattr(one, 'detail_text', '')}".lower()
        if any(words in said for words in _REFUSAL_WORDS):
            return True
    return False
