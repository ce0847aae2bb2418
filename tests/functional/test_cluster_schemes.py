# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the servers that tooz knows do: the table that the library goes by, observed.

It is tooz itself that is asked here: what is wrong with it is no surprise later.
"""

import contextlib
import math
import time
import warnings

import pytest

from oslo_service.backend.exceptions import ClusterOptionError
from oslo_service.clustering.connection import Unreachable
from oslo_service.clustering.schemes import SCHEMES
from oslo_service.clustering.server_quirks import make_coordinator
from oslo_service.clustering.tooz_connection import ToozConnection
from oslo_service.testing.proxy import Proxy
from oslo_service.testing.servers import SERVERS, Etcd, Redis, ZooKeeper

# The shortest that all of them grant, in seconds.
LEASE = 3
# How long a call, or what follows from one, may take on a machine that is busy.
PATIENCE = 30.0
# What the library leaves at the end of a lease, at least; and how much later something
# may be seen on a machine that is busy.
MARGIN, BUSY = 0.5, 5.0
#: By how much a lease may be longer than was asked: etcd looks twice a second, and
#: ZooKeeper counts in ticks.
LONGER = {"etcd": 1.0, "redis": 0.3, "zookeeper": 1.0, "memcached": 1.0}

pytestmark = pytest.mark.starts_processes


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request, tmp_path_factory):
    kind = SERVERS[request.param]
    if kind.obstacle():
        pytest.skip(kind.obstacle())
    with kind(tmp_path_factory.mktemp(request.param)) as server:
        server.name = request.param
        yield server


@pytest.fixture
def scheme(server):
    return SCHEMES[server.scheme]


@pytest.fixture(scope="module", autouse=True)
def whole():
    """Have tooz, in this process of many tests, see Eventlet, if it is there."""
    with contextlib.suppress(ImportError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import eventlet  # noqa: F401


@pytest.fixture
def running():
    with contextlib.ExitStack() as running:
        yield running


@pytest.fixture
def connect(server, running):
    """Return a function that makes a member of a name, as the library does."""
    with contextlib.ExitStack() as ending:

        def connect(name, seconds=LEASE, url=server.url):
            made = make_coordinator(url, name.encode(), seconds)
            made.start()
            ending.callback(end, made)
            return made

        yield connect


def end(coordinator):
    with contextlib.suppress(Exception):
        coordinator.stop()
    if hasattr(coordinator, "_coord"):
        coordinator._coord.close()  # tooz does not


def confirm(lock):
    """Return what a lock says that may have been lost: False where it raises."""
    ask = getattr(lock, "heartbeat", lock.is_still_owner)
    try:
        return bool(ask())
    except tooz_error():
        return False


def tooz_error():
    from tooz import ToozError

    return ToozError


def take_when_free(lock, name="it", patience=PATIENCE):
    """Acquire a lock as soon as that can be done; return when that was asked for."""
    until = time.monotonic() + patience
    while True:
        asked = time.monotonic()
        if lock.acquire(blocking=False):
            return asked
        assert time.monotonic() < until, f"{name} is not free"
        time.sleep(0.02)


def unusual(name, count=3):
    """Return names of locks that nobody has had."""
    return [f"{name}-{number}".encode() for number in range(count)]


def test_a_lock_is_kept_for_the_lease_and_not_much_longer(server, scheme, connect):
    if isinstance(server, ZooKeeper):
        pytest.skip("its locks last as long as the session, which its client keeps")
    one, other = connect("one"), connect("other")
    names = unusual("lease", 5)
    asked, had = [], []
    for name in names:
        asked.append(time.monotonic())
        assert one.get_lock(name).acquire(blocking=False)
        had.append(time.monotonic())
        time.sleep(0.13)  # not all in step with what counts whole seconds

    taken = [take_when_free(other.get_lock(name)) for name in names]

    for name, since, known, at in zip(names, asked, had, taken, strict=True):
        assert at - known >= LEASE - scheme.slack - MARGIN, name
        assert at - since <= LEASE + LONGER[server.name] + BUSY, name


def test_a_confirmed_lock_is_kept_for_longer(server, connect):
    one, other = connect("one"), connect("other")
    lock, rival = one.get_lock(b"kept"), other.get_lock(b"kept")
    assert lock.acquire(blocking=False)
    for _ in range(LEASE * 8):
        time.sleep(0.2)
        assert confirm(lock)
        assert not rival.acquire(blocking=False)

    lock.release()

    assert rival.acquire(blocking=False)


#: What a lock's heartbeat says when another member has the lock: why the library goes
#: by the time alone.
SAYS_WHEN_LOST = {"etcd": True, "redis": False, "memcached": True}


def test_what_the_heartbeat_of_a_lost_lock_says(server, connect):
    if server.name not in SAYS_WHEN_LOST:
        pytest.skip("a lock of it is lost with the session")
    one, other = connect("one"), connect("other")
    lock = one.get_lock(b"lost")
    assert lock.acquire(blocking=False)
    take_when_free(other.get_lock(b"lost"))

    assert confirm(lock) is SAYS_WHEN_LOST[server.name]


def test_a_lost_lock_that_is_released_stays_its_successors(server, connect):
    if isinstance(server, ZooKeeper):
        pytest.skip("a lock of it is lost with the session")
    one, other, third = connect("one"), connect("other"), connect("third")
    lock, rival = one.get_lock(b"freed"), other.get_lock(b"freed")
    assert lock.acquire(blocking=False)
    take_when_free(rival)

    lock.release()

    assert not third.get_lock(b"freed").acquire(blocking=False)
    assert confirm(rival)


def test_a_session_of_zookeeper_that_is_cut_off_loses_its_locks(server, connect):
    if not isinstance(server, ZooKeeper):
        pytest.skip("its locks have leases of their own")
    other = connect("other")
    with Proxy(("127.0.0.1", server.port)) as proxy:
        one = connect("one", url=server.url_of(*proxy.address))
        assert one.get_lock(b"session").acquire(blocking=False)

        proxy.hold()
        since = time.monotonic()
        at = take_when_free(other.get_lock(b"session"))
        proxy.open()

    assert at - since >= LEASE / 3, "what it pings is at most that old"
    assert at - since <= LEASE + LONGER["zookeeper"] + BUSY


#: Whether a lock outlives the server that is killed and started again.
OUTLIVES = {"etcd": True, "redis": True, "zookeeper": True, "memcached": False}


def test_whether_a_lock_outlives_its_server(server, connect):
    # Long enough for a server that takes its time.
    one, other = connect("one", 20), connect("other", 20)
    lock = one.get_lock(b"outlives")
    assert lock.acquire(blocking=False)
    server.kill()
    server.start()

    free = is_free(other.get_lock(b"outlives"))

    assert free is not OUTLIVES[server.name]
    end(one)


def is_free(lock):
    """Whether a lock can be acquired, from a server that is back."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return lock.acquire(blocking=False)
        except (Unreachable, tooz_error()):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_members_that_are_gone_leave_their_group(server, connect, running):
    one = connect("one")
    proxy = running.enter_context(Proxy(("127.0.0.1", server.port)))
    gone = connect("gone", url=server.url_of(*proxy.address))
    for member in (one, gone):
        member.heartbeat()
        member.join_group_create(b"group")
    assert one.get_members(b"group").get() == {b"one", b"gone"}
    since = time.monotonic()
    proxy.hold()

    while b"gone" in one.get_members(b"group").get():
        one.heartbeat()
        assert time.monotonic() - since < PATIENCE
        time.sleep(0.05)

    assert one.get_members(b"group").get() == {b"one"}
    proxy.open()


def test_members_that_stop_leave_at_once(server, connect):
    one, other = connect("one"), connect("other")
    for member in (one, other):
        member.heartbeat()
        member.join_group_create(b"leavers")

    other.stop()

    assert one.get_members(b"leavers").get() == {b"one"}


def test_etcd_grants_no_less_than_one_and_a_half_election_timeouts(tmp_path):
    if Etcd.obstacle():
        pytest.skip(Etcd.obstacle())
    with Etcd(tmp_path, election=4.0) as server:
        connection = ToozConnection(server.url, "one", 5)
        with pytest.raises(ClusterOptionError, match=r"cluster_lease.* 5 s .* 6 s"):
            connection.open()


def test_a_session_of_zookeeper_lasts_two_ticks_at_least(tmp_path):
    if ZooKeeper.obstacle():
        pytest.skip(ZooKeeper.obstacle())
    with ZooKeeper(tmp_path, tick=4.0) as server:
        connection = ToozConnection(server.url, "one", 5)

        with pytest.raises(ClusterOptionError, match=r"cluster_lease.* 5 s .* 8 s"):
            connection.open()


def test_redis_without_persistence_forgets_its_locks(tmp_path, running):
    if Redis.obstacle():
        pytest.skip(Redis.obstacle())
    server = running.enter_context(Redis(tmp_path, persistent=False))
    one, other = (opened(running, server, name) for name in ("one", "other"))
    assert one.lock("it").acquire()
    server.kill()
    server.start()

    assert is_free(Translated(other.lock("it")))


def opened(running, server, name):
    """Return a connection of the library's."""
    connection = ToozConnection(server.url, name, 20)
    running.callback(connection.close)
    connection.open()
    return connection


class Translated:
    """A lock of the library's, in the words of tooz."""

    def __init__(self, lock):
        self._lock = lock

    def acquire(self, blocking):
        assert not blocking
        return self._lock.acquire()


def test_a_group_of_redis_that_changes_meanwhile_is_read_once(tmp_path, running):
    if Redis.obstacle():
        pytest.skip(Redis.obstacle())
    server = running.enter_context(Redis(tmp_path))
    reader, other = (opened(running, server, name) for name in ("reader", "other"))
    reader.join("group")
    encode, looks = reader._coordinator._encode_beat_id, []

    def encode_while_it_changes(member):
        # As if a hundred came and went.
        assert len(looks) < 10, "it is read again and again"
        looks.append(member)
        change = other.leave if len(looks) % 2 == 0 else other.join
        change("group")
        return encode(member)

    reader._coordinator._encode_beat_id = encode_while_it_changes
    assert reader.members("group") == {"reader"}
    assert looks == [b"reader"]


@pytest.mark.parametrize("given", ["", ":not-the-one@"])
def test_redis_refuses_who_does_not_know_its_password(given, tmp_path, running):
    if Redis.obstacle():
        pytest.skip(Redis.obstacle())
    server = running.enter_context(Redis(tmp_path, password="the-one"))
    url = server.url.replace("//", f"//{given}")

    with pytest.raises(ClusterOptionError, match="cluster_url") as refused:
        ToozConnection(url, "one", 5).open()

    assert "not-the-one" not in f"{refused.value}"
    connection = ToozConnection(server.url.replace("//", "//:the-one@"), "one", 5)
    running.callback(connection.close)
    connection.open()


def test_redis_forgets_what_its_replica_had_not_heard(tmp_path, running):
    if Redis.obstacle():
        pytest.skip(Redis.obstacle())
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    first = running.enter_context(Redis(tmp_path / "first"))
    replica = running.enter_context(Redis(tmp_path / "second", of=first))
    # What Sentinel, too, can only promote over.
    replica.pause()
    assert opened(running, first, "one").lock("it").acquire()
    first.kill()
    replica.resume()
    replica.promote()

    assert opened(running, replica, "other").lock("it").acquire()


def test_files_are_freed_by_death_and_never_by_time():
    scheme = SCHEMES["file"]

    assert not scheme.leases
    assert not scheme.hosts
    assert scheme.lease(5) == math.inf
