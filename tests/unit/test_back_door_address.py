# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options of the back door, and the names that it had before."""

import inspect
import os
import stat

import pytest
from oslo_config import cfg

from oslo_service import backend, eventlet_backdoor, opts, service
from oslo_service.backdoor import address, server
from oslo_service.backdoor.address import BackdoorAddress
from oslo_service.testing.console_client import ConsoleClient

BadValue = eventlet_backdoor.EventletBackdoorConfigValueError


@pytest.fixture
def conf() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    return conf


class TestPorts:
    @pytest.mark.parametrize(
        ("text", "ports"),
        [
            ("0", range(1)),
            (" 0 ", range(1)),
            ("8080", range(8080, 8081)),
            ("65535", range(65535, 65536)),
            ("4:4", range(4, 5)),
            ("5000:5003", range(5000, 5004)),
            ("1 : 65535", range(1, 65536)),
        ],
    )
    def test_a_number_or_a_range_is_read(self, conf, text, ports) -> None:
        conf.set_override("backdoor_port", text)

        assert address.configured(conf) == BackdoorAddress(None, ports)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("abc", "'abc' is not a number"),
            ("", "'' is not a number"),
            ("5:3", "there is no port from 5 to 3"),
            ("0:3", "there is no port from 0 to 3"),
            ("70000", "70000 is more than 65535"),
            ("5:70000", "70000 is more than 65535"),
            ("-1", "'-1' is not a number"),
            ("+1", "'[+]1' is not a number"),
            ("1_0", "'1_0' is not a number"),
            ("\u0661", "is not a number"),
            ("1:2:3", "'2:3' is not a number"),
            (":", "'' is not a number"),
            ("127.0.0.1:80", "'127.0.0.1' is not a number"),
        ],
    )
    @pytest.mark.parametrize("path", [None, "/a/path"])
    def test_what_is_neither_is_refused(self, conf, text, why, path) -> None:
        conf.set_override("backdoor_port", text)
        conf.set_override("backdoor_socket", path)

        with pytest.raises(BadValue, match=why) as caught:
            eventlet_backdoor.initialize_if_enabled(conf)
        assert isinstance(caught.value, ValueError)
        assert caught.value.port_range == text
        assert f"backdoor_port cannot be {text!r}: " in str(caught.value)
        assert "<start>:<end>" in str(caught.value)

    def test_launchers_refuse_it_before_they_decide_anything(self, undecided) -> None:
        opts.register_service_opts(undecided)
        undecided.set_override("backdoor_port", "x")
        for launcher in (service.ServiceLauncher, service.ProcessLauncher):
            with pytest.raises(BadValue, match="'x' is not a number"):
                launcher(undecided)
        assert backend.get_backend_type() is None

    def test_the_exception_is_made_as_before(self) -> None:
        parameters = inspect.signature(BadValue).parameters
        assert list(parameters) == ["port_range", "help_msg", "ex"]
        error = BadValue("1:0", "try 0", ValueError("backwards"))
        assert str(error) == "backdoor_port cannot be '1:0': backwards. try 0"


class TestPaths:
    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("/run/door", "/run/door"),
            ("/run/{pid}/door-{pid}", "/run/4711/door-4711"),
            ("/run/{other}", "/run/{other}"),
            ("/run/{", "/run/{"),
        ],
    )
    def test_the_process_id_is_filled_in(self, conf, text, path, monkeypatch) -> None:
        monkeypatch.setattr(os, "getpid", lambda: 4711)
        conf.set_override("backdoor_socket", text)
        conf.set_override("backdoor_port", "0")

        assert address.configured(conf) == BackdoorAddress(path)

    def test_neither_is_nowhere(self, conf) -> None:
        assert address.configured(conf) is None
        conf.set_override("backdoor_socket", "")
        assert address.configured(conf) is None


class TestInitializing:
    def test_nothing_is_decided_where_it_is_not_wanted(self, undecided) -> None:
        assert eventlet_backdoor.initialize_if_enabled(undecided) is None
        assert backend.get_backend_type() is None

    def test_a_second_time_gives_the_same_one(self, undecided) -> None:
        opts.register_service_opts(undecided)
        undecided.set_override("backdoor_port", "0")
        try:
            port = eventlet_backdoor.initialize_if_enabled(undecided)
            assert eventlet_backdoor.initialize_if_enabled(undecided) == port
            launcher = service.Launcher(undecided)
            assert launcher.backdoor_port == port
        finally:
            server.close_all()

    @pytest.mark.parametrize(
        "path", ["/nowhere/at/all/door", f"/tmp/{'x' * 200}", "/proc/door"]
    )
    def test_a_path_that_is_not_possible_is_logged(
        self, undecided, path: str, caplog
    ) -> None:
        opts.register_service_opts(undecided)
        undecided.set_override("backdoor_socket", path)

        assert eventlet_backdoor.initialize_if_enabled(undecided) is None
        assert f"Process {os.getpid()} has no back door: cannot" in caplog.text
        assert "None" not in caplog.text

    def test_closing_ends_its_task_and_its_clients(self, undecided, tmp_path) -> None:
        opts.register_service_opts(undecided)
        undecided.set_override("backdoor_socket", str(tmp_path / "door"))
        where = eventlet_backdoor.initialize_if_enabled(undecided)
        (opened,) = server._servers.get().values()
        with ConsoleClient(where) as client:
            client.until_prompt()
            server.close_all()
            assert client.ended()
        assert opened.task.wait(60) is None
        assert not (tmp_path / "door").exists()

    def test_the_file_never_has_more_permissions_than_the_owners(
        self, undecided, tmp_path, monkeypatch
    ) -> None:
        path, modes = tmp_path / "door", []
        original = type(path).chmod

        def chmod(self, mode):  # what it has before it is set
            modes.append(stat.S_IMODE(self.stat().st_mode))
            original(self, mode)

        monkeypatch.setattr(type(path), "chmod", chmod)
        opts.register_service_opts(undecided)
        undecided.set_override("backdoor_socket", str(path))
        before = os.umask(0)
        try:
            eventlet_backdoor.initialize_if_enabled(undecided)
        finally:
            os.umask(before)
            server.close_all()
        assert modes == [0o600]
