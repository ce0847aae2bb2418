# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options: registering them is harmless, however often and by whom."""

import re
import threading
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from oslo_config import cfg

from oslo_service import _options, opts, periodic_task, service, sslutils, wsgi
from oslo_service._common import option_registration, option_types
from oslo_service.testing.waiting import run_script


def entry_points() -> list[metadata.EntryPoint]:
    found = metadata.entry_points(group="oslo.config.opts")
    ours = sorted(one for one in found if one.name.startswith("oslo.service."))
    assert len(ours) == 4
    return ours


@pytest.fixture
def defaults() -> Iterator[None]:
    """Put the defaults back that a test replaces."""
    options = [*opts.service_opts, *opts.eventlet_backdoor_opts]
    before = [(one, one.default) for one in options]
    yield
    for option, default in before:
        option.default = default


class TestRegistering:
    def test_twice_on_one_configuration_is_harmless(self) -> None:
        conf = cfg.ConfigOpts()
        for _ in range(2):
            opts.register_service_opts(conf)
            opts.register_backend_opts(conf)

        assert conf.graceful_shutdown_timeout == 60
        assert conf.log_options is True
        assert conf.backdoor_port is None
        assert conf.backdoor_socket is None
        assert conf.oslo_service.backend == "auto"

    def test_from_many_threads_at_once_is_harmless(self) -> None:
        for _ in range(20):
            conf, errors = cfg.ConfigOpts(), []
            barrier = threading.Barrier(8)

            def register(
                conf: cfg.ConfigOpts = conf,
                barrier: threading.Barrier = barrier,
                errors: list[BaseException] = errors,
            ) -> None:
                barrier.wait()
                try:
                    opts.register_service_opts(conf)
                except BaseException as exc:  # noqa: BLE001 - shown below
                    errors.append(exc)

            threads = [threading.Thread(target=register) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert errors == []
            assert conf.graceful_shutdown_timeout == 60
            assert conf.oslo_service.backend == "auto"

    def test_two_threads_that_make_one_group_lose_nothing(self) -> None:
        new = [cfg.StrOpt(f"option_{number}") for number in range(4)]

        class Groups(dict[str, cfg.OptGroup]):
            """Has another thread register just when a group is being made."""

            other: threading.Thread | None = None

            def __setitem__(self, name: str, group: cfg.OptGroup) -> None:
                if self.other is None:
                    self.other = threading.Thread(
                        target=option_registration.register, args=(conf, new, "new")
                    )
                    self.other.start()
                    # It has to wait for this one; were it not so, it would be
                    # through by then.
                    self.other.join(0.2)
                super().__setitem__(name, group)

        conf = cfg.ConfigOpts()
        conf._groups = groups = Groups(conf._groups)

        option_registration.register(conf, new[:2], "new")
        assert groups.other is not None
        groups.other.join()

        assert [conf.new[one.dest] for one in new] == [None] * 4

    def test_from_every_place_that_does_is_harmless(self) -> None:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        for _ in range(2):
            service.ServiceLauncher(conf)
            sslutils.register_opts(conf)
            wsgi.register_opts(conf)
            periodic_task.PeriodicTasks(conf)
            opts.register_service_opts(conf)
            # As projects do that know the lists.
            conf.register_opts(_options.service_opts)
            conf.register_opts(_options.eventlet_backdoor_opts)
            conf.register_opts(_options.periodic_opts)
            conf.register_opts(_options.wsgi_opts)
            conf.register_opts(_options.ssl_opts, sslutils.config_section)

        assert conf.run_external_periodic_tasks is True
        assert conf.ssl.ca_file is None

    def test_an_option_that_another_library_registered_first_stays(self) -> None:
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.BoolOpt("log_options", default=False, help="Other."))
        conf.register_opt(
            cfg.StrOpt("backend", default="threading", help="Other."), "oslo_service"
        )

        opts.register_service_opts(conf)

        assert conf.log_options is False
        assert conf.oslo_service.backend == "threading"
        assert conf.graceful_shutdown_timeout == 60

    def test_a_configuration_that_was_read_before_takes_them_too(self) -> None:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])

        opts.register_service_opts(conf)

        assert conf.graceful_shutdown_timeout == 60

    def test_a_negative_timeout_is_refused(self) -> None:
        conf = cfg.ConfigOpts()
        opts.register_service_opts(conf)

        with pytest.raises(ValueError, match="greater than or equal to 0"):
            conf.set_override("graceful_shutdown_timeout", -1)


class TestOfTheGroup:
    @pytest.mark.parametrize("value", ["nan", "inf", "-inf", float("nan")])
    def test_what_is_no_finite_number_is_refused(self, value: object) -> None:
        conf = cfg.ConfigOpts()
        conf.register_opts(opts.group_opts, "oslo_service")

        names = [
            one.dest
            for one in opts.group_opts
            if isinstance(one.type, option_types.Finite)
        ]
        assert len(names) == 9
        for name in names:
            with pytest.raises(ValueError, match=r"finite number|equal to"):
                conf.set_override(name, value, "oslo_service")

    def test_the_error_of_a_file_names_the_option(self, tmp_path: Path) -> None:
        path = tmp_path / "conf"
        path.write_text("[oslo_service]\nshutdown_delay = nan\n", encoding="ascii")
        conf = cfg.ConfigOpts()
        opts.register_service_opts(conf)
        conf(["--config-file", str(path)])

        with pytest.raises(ValueError, match=r"shutdown_delay.*finite number.*nan"):
            _ = conf.oslo_service.shutdown_delay

    def test_a_great_number_is_legal(self) -> None:
        conf = cfg.ConfigOpts()
        opts.register_service_opts(conf)
        conf.set_override("worker_timeout", "1e18", "oslo_service")

        assert conf.oslo_service.worker_timeout == 1e18


class TestOfTheServer:
    def test_the_defaults_are_those_that_projects_know(self) -> None:
        conf = cfg.ConfigOpts()
        for _ in range(2):
            opts.register_wsgi_opts(conf)
            opts.register_ssl_opts(conf)

        assert {one.dest: conf[one.dest] for one in opts.wsgi_opts} == {
            "api_paste_config": "api-paste.ini",
            "wsgi_log_format": '%(client_ip)s "%(request_line)s" status:'
            " %(status_code)s  len: %(body_length)s time: %(wall_seconds).7f",
            "tcp_keepidle": 600,
            "wsgi_default_pool_size": 100,
            "max_header_line": 16384,
            "wsgi_keep_alive": True,
            "client_socket_timeout": 900,
            "wsgi_server_debug": False,
        }
        assert {one.dest: conf.ssl[one.dest] for one in opts.ssl_opts} == dict.fromkeys(
            ("ca_file", "cert_file", "key_file", "version", "ciphers")
        )

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("tcp_keepidle", 0),
            ("wsgi_default_pool_size", 0),
            ("max_header_line", 0),
            ("client_socket_timeout", -1),
        ],
    )
    def test_what_cannot_be_is_refused(self, option: str, value: int) -> None:
        conf = cfg.ConfigOpts()
        opts.register_wsgi_opts(conf)

        with pytest.raises(ValueError, match=f"greater than or equal to {value + 1}"):
            conf.set_override(option, value)

    def test_configuration_tools_know_them_by_another_module(self) -> None:
        assert _options.wsgi_opts is opts.wsgi_opts
        assert _options.ssl_opts is opts.ssl_opts


@pytest.mark.usefixtures("defaults")
class TestDefaults:
    def test_a_project_can_replace_them(self) -> None:
        conf = cfg.ConfigOpts()

        opts.set_service_opts_defaults(
            conf, graceful_shutdown_timeout=5, log_options=False
        )

        assert (conf.graceful_shutdown_timeout, conf.log_options) == (5, False)

    def test_they_can_be_replaced_again_after_they_were_read(self) -> None:
        conf = cfg.ConfigOpts()
        opts.set_service_opts_defaults(conf, log_options=False)
        assert conf.log_options is False

        opts.set_service_opts_defaults(conf, log_options=True)

        assert conf.log_options is True

    def test_those_of_the_back_door_too(self) -> None:
        conf = cfg.ConfigOpts()

        opts.set_service_opts_defaults(conf, backdoor_port="0")

        assert conf.backdoor_port == "0"

    def test_an_unknown_option_is_refused_and_the_known_are_named(self) -> None:
        with pytest.raises(AttributeError, match="graceful_shutdown_timeout"):
            opts.set_service_opts_defaults(cfg.ConfigOpts(), nonsense=1)

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("graceful_shutdown_timeout", -1),
            ("graceful_shutdown_timeout", "soon"),
            ("log_options", "perhaps"),
        ],
    )
    def test_a_value_that_cannot_be_is_refused_and_named_and_changes_nothing(
        self, option: str, value: object
    ) -> None:
        conf = cfg.ConfigOpts()

        with pytest.raises(ValueError, match=f"{option}={value!r}: "):
            opts.set_service_opts_defaults(
                conf, **{"backdoor_port": "0", option: value}
            )

        assert conf.backdoor_port is None
        assert conf.graceful_shutdown_timeout == 60
        assert conf.log_options is True

    def test_one_that_refers_to_another_option_is_left_to_that(self) -> None:
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.IntOpt("patience", default=7))

        opts.set_service_opts_defaults(
            conf, graceful_shutdown_timeout="$patience", backdoor_port=None
        )

        assert conf.graceful_shutdown_timeout == 7


class TestListing:
    def test_the_generators_list_has_every_option(self) -> None:
        names = {
            group: {one.dest for one in found} for group, found in opts.list_opts()
        }

        assert names == {
            None: {
                "backdoor_port",
                "backdoor_socket",
                "graceful_shutdown_timeout",
                "log_options",
            },
            "oslo_service": {
                "backend",
                *("shutdown_delay", "restart_limit", "restart_window"),
                "cluster_group",
                "cluster_lease",
                "cluster_required",
                "cluster_skew",
                "cluster_url",
                *("admin_socket", "admin_address"),
                *("start_timeout", "worker_timeout", "worker_max_age"),
                *("worker_max_requests", "worker_max_memory", "worker_jitter"),
            },
        }

    def test_the_generator_finds_it_by_its_name(self) -> None:
        (entry,) = metadata.entry_points(
            group="oslo.config.opts", name="oslo.service.service"
        )

        assert entry.load() is opts.list_opts

    @pytest.mark.parametrize(
        ("namespace", "group", "options"),
        [
            ("service", "[DEFAULT]", [*opts.service_opts, *opts.backend_opts]),
            ("wsgi", "[DEFAULT]", opts.wsgi_opts),
            ("sslutils", "[ssl]", opts.ssl_opts),
        ],
    )
    def test_the_generator_writes_them_out(
        self, namespace: str, group: str, options: list[cfg.Opt]
    ) -> None:
        result = run_script(
            "import sys\nfrom oslo_config import generator\n"
            "generator.main(sys.argv[1:])\n",
            f"--namespace=oslo.service.{namespace}",
        )

        assert result.returncode == 0, result.stderr
        assert f"{group}\n" in result.stdout
        for option in options:
            assert f"\n#{option.dest} = " in result.stdout

    @pytest.mark.parametrize("uncommented", [False, True])
    def test_what_the_generator_writes_of_all_of_them_parses_back(
        self, uncommented: bool, tmp_path: Path
    ) -> None:
        path = tmp_path / "sample.conf"
        result = run_script(
            "import sys\nfrom oslo_config import generator\n"
            "generator.main(sys.argv[1:])\n",
            *(f"--namespace={entry.name}" for entry in entry_points()),
            f"--output-file={path}",
        )
        assert result.returncode == 0, result.stderr
        if uncommented:
            value = re.compile(r"^#(\w+ = (?!<None>))", re.MULTILINE)
            path.write_text(value.sub(r"\1", path.read_text()))

        conf, listed = (
            cfg.ConfigOpts(),
            [
                (group, option)
                for entry in entry_points()
                for group, options in entry.load()()
                for option in options
            ],
        )
        for group, option in listed:
            conf.register_opt(option, group)
        conf(["--config-file", str(path)])

        for group, option in listed:
            value = conf[group][option.dest] if group else conf[option.dest]
            assert value == option.default
            found = conf.get_location(option.dest, group)
            from_file = found is not None and found.location is cfg.Locations.user
            assert from_file == (uncommented and option.default is not None)

    @pytest.mark.parametrize("module", [opts, periodic_task, service, sslutils, wsgi])
    def test_what_is_done_to_it_changes_no_option(self, module: ModuleType) -> None:
        listed = [option for _, found in module.list_opts() for option in found]
        own = [
            *opts.backend_opts,
            *opts.eventlet_backdoor_opts,
            *opts.service_opts,
            *opts.periodic_opts,
            *opts.wsgi_opts,
            *opts.limit_opts,
            *opts.request_opts,
            *opts.admin_opts,
            *opts.ssl_opts,
            *opts.cluster_opts,
        ]

        assert listed
        assert not {id(option) for option in listed} & {id(option) for option in own}
        again = [option for _, found in module.list_opts() for option in found]
        assert not {id(option) for option in listed} & {id(option) for option in again}
        assert all(option in own for option in listed)

    def test_every_option_has_help(self) -> None:
        for _, found in [
            *opts.list_opts(),
            (None, opts.wsgi_opts),
            ("oslo_service", opts.request_opts),
            (opts.SSL_GROUP, opts.ssl_opts),
        ]:
            for option in found:
                assert option.help
