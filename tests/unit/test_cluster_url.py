# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``cluster_url`` can be, and what is said of one that cannot."""

import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import cluster, opts, periodic_task, service
from oslo_service._common import extras
from oslo_service.clustering import (
    host,
    schemes,
    server_quirks,
    settings,
    tooz_connection,
)
from oslo_service.clustering.connection import Unreachable
from oslo_service.clustering.tooz_connection import ToozConnection
from oslo_service.testing.waiting import run_script

SECRET = "s3cr3t%40place"
PLAIN = "s3cr3t@place"


def configured(**values: object) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf([], prog="/usr/bin/some-service", default_config_files=[])
    opts.register_service_opts(conf)
    for name, value in values.items():
        conf.set_override(name, value, "oslo_service")
    return conf


class TestOptions:
    """What the options are, and what they are when nobody sets them."""

    def test_the_group_is_the_services_name(self) -> None:
        assert settings.read(configured()).group == "some-service"

    def test_that_of_a_package_that_is_run_is_the_packages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.argv", ["/lib/some_service/__main__.py"])
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        assert settings.read(conf).group == "some_service"

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({}, "'some-service', the name of the program: where several programs"),
            ({"cluster_group": "stock"}, "'stock', as cluster_group says"),
        ],
    )
    def test_what_the_group_is_is_said_once_and_where_its_name_comes_from(
        self, caplog, values: dict[str, str], said: str
    ) -> None:
        caplog.set_level(logging.INFO)
        host._said.clear()
        conf = configured(cluster_url="file:///nowhere", **values)
        for _ in range(2):
            settings.read(conf)
        (message,) = caplog.messages
        assert message.startswith(f"The group of this process in the cluster: {said}")

    def test_a_name_can_be_given_and_is_made_plain(self) -> None:
        found = settings.read(configured(cluster_group="a group/ä"))
        assert found.group == "a%20group%2f%e4"

    def test_defaults(self) -> None:
        found = settings.read(configured())
        assert (found.url, found.lease, found.skew) == ("", 15, 1.0)

    def test_a_lease_of_less_than_five_seconds_is_refused(self) -> None:
        with pytest.raises(ValueError, match="5"):
            configured(cluster_lease=4)

    def test_the_url_is_not_shown_where_the_options_are(self, caplog) -> None:
        caplog.set_level(logging.DEBUG)
        conf = configured(cluster_url=f"redis://:{SECRET}@redis.example")
        conf.log_opt_values(logging.getLogger("test"), logging.DEBUG)
        assert "cluster_url" in caplog.text
        assert SECRET not in caplog.text

    def test_a_stand_in_for_a_configuration_has_no_cluster(self) -> None:
        from unittest import mock

        assert settings.read(mock.MagicMock()).url == ""


class TestSchemes:
    """What will not do is refused, by the name of the option."""

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("nosuch://host", "no such scheme"),
            ("mysql://u:p@host/db", "no lease"),
            ("postgresql://host/db", "no groups"),
            ("ipc://", "file:"),
            ("kubernetes://", "no groups"),
            ("redis.example:6379", "no such scheme"),
            ("just words", "no scheme"),
            ("redis://host:port", "is no URL"),
        ],
    )
    def test_it_is_said_why(self, url, words) -> None:
        with pytest.raises(cluster.ClusterOptionError) as found:
            tooz_connection.check_url(url)
        assert "[oslo_service] cluster_url" in str(found.value)
        assert words in str(found.value)

    def test_what_will_do_is_named(self) -> None:
        with pytest.raises(cluster.ClusterOptionError, match=r"etcd3\+http, .*redis"):
            schemes.known("nosuch")

    def test_a_missing_client_names_the_extra(self, monkeypatch) -> None:
        def need(module: str, extra: str) -> None:
            if module == "redis":
                raise ImportError(f"{module}: pip install 'oslo.service[{extra}]'")

        monkeypatch.setattr(tooz_connection, "need", need)
        with pytest.raises(cluster.ClusterOptionError) as found:
            tooz_connection.check_url("redis://host")
        assert "cluster_url" in str(found.value)
        assert "oslo.service[cluster]" in str(found.value)

    def test_a_package_that_is_missing_is_named(self, monkeypatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "no_such_client", None)
        with pytest.raises(ImportError, match=r"oslo\.service\[cluster\]"):
            extras.need("no_such_client", "cluster")


class TestSecrets:
    """No password is in what is said."""

    URLS = [
        f"redis://:{SECRET}@127.0.0.1:1",
        f"redis://user:{SECRET}@127.0.0.1:1",
        f"redis://{SECRET}@127.0.0.1:1",
        f"redis://127.0.0.1:1?sentinel_password={SECRET}",
        f"zookeeper://user:{SECRET}@127.0.0.1:1",
    ]

    @pytest.mark.parametrize("url", URLS)
    @pytest.mark.parametrize("secret", [SECRET, PLAIN])
    def test_it_is_hidden_in_any_words(self, url, secret) -> None:
        hidden = tooz_connection._hide(f"cannot reach {url}: {secret!r} refused", url)
        assert SECRET not in hidden
        assert PLAIN not in hidden

    def test_it_is_not_in_the_error_of_a_server_that_is_not_there(self) -> None:
        connection = ToozConnection(self.URLS[0], "me", 5)
        with pytest.raises(Unreachable) as found:
            connection.open()
        assert SECRET not in str(found.value)
        assert PLAIN not in str(found.value)
        assert found.value.__cause__ is None
        assert found.value.__suppress_context__

    def test_what_the_client_leaves_empty_is_told_by_its_cause(self) -> None:
        for url in ("etcd3+http://127.0.0.1:1", "redis://127.0.0.1:1"):
            with pytest.raises(Unreachable, match=r"127\.0\.0\.1.*refused"):
                ToozConnection(url, "me", 5).open()
        assert server_quirks.describe(ValueError()) == "ValueError"

    def test_it_is_not_in_that_of_a_url_that_is_none(self) -> None:
        with pytest.raises(cluster.ClusterOptionError) as found:
            tooz_connection.check_url(f"redis://:{SECRET}@host:port")
        assert SECRET not in str(found.value)

    def test_an_option_that_has_no_meaning_is_an_error_of_the_url(self) -> None:
        connection = ToozConnection("etcd3+http://h?api_version=v3&x=", "me", 5)
        connection._url = "redis://host:6379?db=many"
        connection._kind = "redis"
        with pytest.raises((cluster.ClusterOptionError, Unreachable)):
            connection.open()


class TestFiles:
    """Files join the processes of one host, and need no server."""

    @pytest.fixture
    def connect(self, tmp_path: Path) -> Callable[[str], ToozConnection]:
        def connect(name: str) -> ToozConnection:
            connection = ToozConnection(f"file://{tmp_path}", name, 5)
            connection.open()
            return connection

        return connect

    def test_one_has_a_lock_until_it_gives_it_back(self, connect) -> None:
        one, two = connect("one").lock("svc"), connect("two").lock("svc")
        assert one.acquire()
        assert one.heartbeat()
        assert not two.acquire()
        one.release()
        assert two.acquire()
        two.release()

    def test_locks_have_no_end_and_memberships_have(self, connect) -> None:
        assert connect("one").lease == float("inf")
        assert connect("one").membership == 5.0

    def test_members_are_those_who_have_joined_and_not_left(self, connect) -> None:
        one, two = connect("one"), connect("two")
        assert one.members("svc.volumes") == frozenset()
        for connection in (one, two):
            connection.heartbeat()
            connection.join("svc.volumes")
            connection.join("svc.volumes")
        assert one.members("svc.volumes") == {"one", "two"}
        two.leave("svc.volumes")
        two.leave("svc.volumes")
        assert one.members("svc.volumes") == {"one"}
        one.close()
        assert two.members("svc.volumes") == frozenset()


def test_nothing_of_tooz_is_imported_before_it_is_used() -> None:
    code = """
import sys
from oslo_service import cluster, periodic_task, service
class Tasks(periodic_task.PeriodicTasks):
    @periodic_task.periodic_task(spacing=10, scope="cluster")
    def once(self, context): ...
cluster.partition("volumes")
assert not {"tooz", "futurist", "redis"} & set(sys.modules)
"""
    done = run_script(code)
    assert done.returncode == 0, done.stderr


def test_nothing_of_eventlet_is_loaded_on_native_threads(tmp_path: Path) -> None:
    code = f"""
import sys
from oslo_config import cfg
from oslo_service import backend, cluster, opts
conf = cfg.ConfigOpts()
conf([], prog="svc", default_config_files=[])
opts.register_service_opts(conf)
conf.set_override("cluster_url", "file://{tmp_path}", "oslo_service")
backend.init_backend("threading")
shards = cluster.partition("volumes", conf)
assert shards.mine(range(5)) == list(range(5)), shards.members
assert "tooz" in sys.modules
assert not {{"eventlet", "greenlet"}} & set(sys.modules)
"""
    done = run_script(code)
    assert done.returncode == 0, done.stderr


def test_a_partition_and_a_service_can_be_pickled_for_workers_that_are_spawned() -> (
    None
):
    shards = pickle.loads(pickle.dumps(cluster.partition("volumes")))
    assert shards.group == "volumes"
    single = cluster.SingleService(Service())
    again = pickle.loads(pickle.dumps(single))
    assert isinstance(again.service, Service)
    assert again.name == single.name


class Service(service.Service):
    """A service like any other."""


def test_a_task_of_a_scheme_that_there_is_not_is_an_error_at_the_start() -> None:
    class Tasks(periodic_task.PeriodicTasks):
        @periodic_task.periodic_task(spacing=10, scope="cluster")
        def once(self, context: object) -> None: ...

    tasks = Tasks(configured(cluster_url="nosuch://host"))
    with pytest.raises(cluster.ClusterOptionError, match="cluster_url"):
        tasks.run_periodic_tasks(None)
