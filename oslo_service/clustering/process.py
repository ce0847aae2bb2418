# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What this process has of the cluster: nothing of it crosses a fork."""

import atexit
import os
import secrets
import socket
import threading
import weakref

from oslo_config import cfg

from oslo_service import backend
from oslo_service._common import measured
from oslo_service._common.process_state import Inherited, PerProcess
from oslo_service.clustering import publishing, settings
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection
from oslo_service.clustering.member import Member
from oslo_service.clustering.simulated import simulated
from oslo_service.monitoring import checks
from oslo_service.supervisor import events, subscribers
from oslo_service.supervisor.services import preparations

__all__ = (
    "check_before_launch",
    "clocks",
    "connect_before_start",
    "member",
    "retire",
)


_members: PerProcess[dict[settings.Settings, Member]] = PerProcess(dict)
# The configurations that have said so.
_sayers: PerProcess[dict[settings.Settings, list[weakref.ref[cfg.ConfigOpts]]]] = (
    PerProcess(dict)
)
# Reentrant, as a signal handler may come here.
_making = PerProcess(threading.RLock)


def clocks() -> Clocks:
    """Return the clocks of the calling task."""
    pretended = simulated.get()
    return Clocks() if pretended is None else pretended.clocks


def member(conf: cfg.ConfigOpts) -> Member:
    """Return this process as a member of its cluster; it is made one, if need be.

    Without ``cluster_url``, the cluster is that of the workers of one parent.

    :raises ClusterOptionError: it cannot be one, as the options are.
    """
    options = settings.read(conf)
    pretended = simulated.get()
    if pretended is not None:
        found: Member = pretended.member(options)
        return found
    with _making.get():  # of two that are the first, one makes it
        members = _members.get()
        one = members.get(options)
        if one is None or one.driver is not backend.get_backend():  # of another test
            one = members[options] = _make(options)
            if len(members) == 1:
                _watch_end()
        if not any(sayer() is conf for sayer in _sayers.get().get(options, ())):
            _retire_what_was_said(conf)
            _sayers.get().setdefault(options, []).append(weakref.ref(conf))
    one.start()
    return one


def _retire_what_was_said(conf: cfg.ConfigOpts) -> None:
    """Leave the cluster that a configuration has named before it was read again.

    What this process had there would be kept from everybody, and used by nobody.
    """
    sayers = _sayers.get()
    for options, before in list(sayers.items()):
        if not any(one() is conf for one in before):
            continue
        left = [one for one in before if one() is not None and one() is not conf]
        sayers[options] = left
        if not left and (member := _members.get().pop(options, None)) is not None:
            del sayers[options]
            _leaving.get().append(member)
            member.retire()


def check_before_launch() -> None:
    """Have no launcher made where the options name what never can be a cluster.

    A parent finds that out for its workers, which inherit what is imported for it.
    """
    preparations.refuse_by(_check)


def _check(conf: cfg.ConfigOpts) -> None:
    url = conf.oslo_service.cluster_url if isinstance(conf, cfg.ConfigOpts) else None
    if url:
        from oslo_service.clustering import tooz_connection

        tooz_connection.check_url(url)


# The configurations by which to connect before a service is started.
_wanted: Inherited[list[weakref.ref[cfg.ConfigOpts]]] = Inherited(list)


def connect_before_start(conf: cfg.ConfigOpts) -> None:
    """Have every process connect before it starts a service: here, and in workers.

    Where it cannot be done as the options are, that is a failure of its start. Where
    the services of a launcher are started already, it is done at once.

    :param conf: has the options, and is the launcher's.
    :raises ClusterOptionError: it cannot be done here and now, as the options are.
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
        measured.add(made)
    return made


def _report(problem: str) -> None:
    """Have health say how the cluster fares: out of reach, it is a warning.

    Everything but what is the cluster's runs on; what counts no more is a warning.
    """
    checks.record("cluster", True, problem, _NO_TIME if problem else 0.0)


def _connection(options: settings.Settings, name: str) -> Connection:
    if not options.url:
        from oslo_service.clustering.host_connection import HostConnection

        return HostConnection(name)
    # Only where there is a cluster: it takes packages that others do without.
    from oslo_service.clustering import tooz_connection

    tooz_connection.check_url(options.url)
    return tooz_connection.ToozConnection(options.url, name, options.lease)


def _name() -> str:
    """Return a name that no other process has ever had: where it is, and which."""
    host = socket.gethostname().encode("ascii", "replace").decode()
    plain = "".join(one if one.isalnum() or one in "-." else "-" for one in host)
    return f"{plain}:{os.getpid()}:{secrets.token_hex(4)}"


def _watch_end() -> None:
    """Have the others take over at once where this process ends in order."""
    subscribers.subscribe(_hear)
    atexit.register(_leave_at_end, os.getpid())


def _hear(event: events.Event) -> None:
    if isinstance(event, events.Draining) and _members.get():
        # Whoever turns must not wait for a server.
        backend.get_backend().spawn(retire, name="leave the cluster")


def retire() -> None:
    """Leave the cluster: what is still done in this process ends before."""
    members, found = _members.get(), list(_members.get().items())
    for options, one in found:
        members.pop(options, None)
        _sayers.get().pop(options, None)
        _leaving.get().append(one)
        one.retire()


_leaving: PerProcess[list[Member]] = PerProcess(list)

# For how long a value counts that counts no more, in seconds.
_NO_TIME = 1e-6

# How long the end of a process waits for the server, in seconds.
_PATIENCE = 2.0


def _leave_at_end(pid: int) -> None:
    if pid == os.getpid():
        for one in [*_members.get().values(), *_leaving.get()]:
            one.stop(_PATIENCE)
