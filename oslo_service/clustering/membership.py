# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The memberships of this process in clusters: none of them crosses a fork."""

import atexit
import os
import secrets
import socket
import threading
import weakref

from oslo_config import cfg

from oslo_service import backend
from oslo_service._common import instruments
from oslo_service._common.fork_safety import Inherited, PerProcess
from oslo_service.clustering import publishing, settings
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection
from oslo_service.clustering.member import Member
from oslo_service.clustering.simulated import simulated
from oslo_service.monitoring import health_checks
from oslo_service.supervisor import events, subscribers
from oslo_service.supervisor.services import preparations

__all__ = (
    "check_before_launch",
    "clocks",
    "connect_before_start",
    "member",
    "retire",
)

# How long the end of the process waits for the server, in seconds.
_PATIENCE = 2.0
# The time to live of a check that is stale at once: a warning, in seconds.
_STALE_AT_ONCE = 1e-6

_Configurations = list[weakref.ref[cfg.ConfigOpts]]

_members: PerProcess[dict[settings.Settings, Member]] = PerProcess(dict)
# Those that have been told to leave, and may still be leaving.
_leaving: PerProcess[list[Member]] = PerProcess(list)
# Which configurations have each of these settings.
_users: PerProcess[dict[settings.Settings, _Configurations]] = PerProcess(dict)
# Reentrant, as a signal handler may come here.
_making = PerProcess(threading.RLock)
# The configurations by which to connect before a service is started.
_wanted: Inherited[_Configurations] = Inherited(list)


def clocks() -> Clocks:
    """Return the clocks of the calling task."""
    process = simulated.get()
    return Clocks() if process is None else process.clocks


def member(conf: cfg.ConfigOpts) -> Member:
    """Return the member that this process is of its cluster; join it if need be.

    Without ``cluster_url``, the cluster is that of the workers of one parent.

    :raises ClusterOptionError: it cannot be one, as the options are.
    """
    options = settings.read(conf)
    process = simulated.get()
    if process is not None:
        found: Member = process.member(options)
        return found
    with _making.get():  # of two that are the first, one makes it
        members = _members.get()
        one = members.get(options)
        if one is None or one.driver is not backend.get_backend():  # of another test
            one = members[options] = _make(options)
            if len(members) == 1:
                _watch_end()
        if not any(user() is conf for user in _users.get().get(options, ())):
            _leave_former_cluster(conf)
            _users.get().setdefault(options, []).append(weakref.ref(conf))
    one.start()
    return one


def _leave_former_cluster(conf: cfg.ConfigOpts) -> None:
    """Leave the cluster that a configuration named before it was read again.

    What this process holds there would be kept from everybody, and used by nobody.
    """
    users = _users.get()
    for options, before in list(users.items()):
        if not any(one() is conf for one in before):
            continue
        left = [one for one in before if one() is not None and one() is not conf]
        users[options] = left
        if not left and (member := _members.get().pop(options, None)) is not None:
            del users[options]
            _retire(member)


def _retire(member: Member) -> None:
    _leaving.get().append(member)
    member.retire()


def check_before_launch() -> None:
    """Have launchers refuse options that name what can never be a cluster.

    A parent finds that out for its workers, which inherit what is imported for it.
    """
    preparations.refuse_by(_check)


def _check(conf: cfg.ConfigOpts) -> None:
    url = conf.oslo_service.cluster_url if isinstance(conf, cfg.ConfigOpts) else None
    if url:
        from oslo_service.clustering import tooz_connection

        tooz_connection.check_url(url)


def connect_before_start(conf: cfg.ConfigOpts) -> None:
    """Have every process connect before it starts a service: here, and in workers.

    Where the options do not allow that, the start fails. Where the services of a
    launcher are started already, it is done at once.

    :param conf: has the options, and is the launcher's.
    :raises ClusterOptionError: it is done at once, and the options do not allow it.
    """
    wanted = _wanted.get()
    if not any(one() is conf for one in wanted):
        wanted.append(weakref.ref(conf))
    preparations.add(_prepare)


def _prepare(conf: cfg.ConfigOpts) -> None:
    if any(one() is conf for one in _wanted.get()) and settings.read(conf).url:
        member(conf)


def _make(options: settings.Settings) -> Member:
    name = _name()
    made = Member(
        backend.get_backend(),
        _connection(options, name),
        name,
        Clocks(),
        publishing.publish,
        _report if options.url else lambda _problem: None,
    )
    if options.url:
        instruments.add(made)
    return made


def _report(problem: str) -> None:
    """Record as a health check how the cluster fares.

    One that is out of reach is a warning, which is what a stale check is: all that
    does not need the cluster runs on.
    """
    health_checks.record("cluster", True, problem, _STALE_AT_ONCE if problem else 0.0)


def _connection(options: settings.Settings, name: str) -> Connection:
    if not options.url:
        from oslo_service.clustering.host_connection import HostConnection

        return HostConnection(name)
    # Only where there is a cluster: it takes packages that others do without.
    from oslo_service.clustering import tooz_connection

    tooz_connection.check_url(options.url)
    return tooz_connection.ToozConnection(options.url, name, options.lease)


def _name() -> str:
    """Return a name that no other process has ever had: host, pid, random part."""
    host = socket.gethostname().encode("ascii", "replace").decode()
    plain = "".join(one if one.isalnum() or one in "-." else "-" for one in host)
    return f"{plain}:{os.getpid()}:{secrets.token_hex(4)}"


def _watch_end() -> None:
    """Have the other members take over at once when this process ends in order."""
    subscribers.subscribe(_hear)
    atexit.register(_leave_at_end, os.getpid())


def _hear(event: events.Event) -> None:
    if isinstance(event, events.Draining) and _members.get():
        # The supervisor's loop must not wait for a server.
        backend.get_backend().spawn(retire, name="leave the cluster")


def retire() -> None:
    """Leave all clusters, as soon as what needs a lock there has ended."""
    members = _members.get()
    for options, one in list(members.items()):
        members.pop(options, None)
        _users.get().pop(options, None)
        _retire(one)


def _leave_at_end(pid: int) -> None:
    if pid == os.getpid():
        for one in [*_members.get().values(), *_leaving.get()]:
            one.stop(_PATIENCE)
