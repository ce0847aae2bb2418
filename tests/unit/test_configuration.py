# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Configuration files that are read again, and what may go wrong at that."""

import pytest
from oslo_config import cfg

from oslo_service import opts
from oslo_service.supervisor.configuration import Settings


class Watched(cfg.ConfigOpts):
    """Asked for a value just while its files are read again."""

    def _reload_config_files(self):
        assert self.greeting == "old"
        return super()._reload_config_files()


@pytest.mark.parametrize("method", ["mutate", "reload"])
def test_who_reads_an_option_meanwhile_does_not_keep_its_old_value(method, tmp_path):
    path = tmp_path / "service.conf"
    path.write_text("[DEFAULT]\ngreeting = old\n")
    conf = Watched()
    conf.register_opts([cfg.StrOpt("greeting", mutable=True)])
    conf(["--config-file", str(path)])
    settings = Settings(conf, method)
    path.write_text("[DEFAULT]\ngreeting = new\n")

    settings.read_again()

    assert conf.greeting == "new"


@pytest.mark.parametrize("method", ["mutate", "reload"])
def test_the_limits_are_those_that_were_read_last(method, tmp_path):
    path = tmp_path / "service.conf"
    path.write_text("[oslo_service]\nrestart_limit = 1\n")
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    conf(["--config-file", str(path)])
    settings = Settings(conf, method)
    wanted = {
        "restart_limit": 2,
        "restart_window": 3.5,
        "start_timeout": 4.0,
        "worker_timeout": 5.0,
        "worker_max_age": 6.0,
        "worker_max_requests": 7,
        "worker_max_memory": 8 << 20,
        "worker_jitter": 0.5,
    }
    lines = [f"{name} = {value}" for name, value in wanted.items()]
    path.write_text("\n".join(["[oslo_service]", *lines, "shutdown_delay = 9"]))

    assert settings.limits.restart_limit == 1
    settings.read_again()

    assert vars(settings.limits) == wanted
    assert settings.last_stop_delay == 9.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[broken", "service.conf:1"),
        ("[DEFAULT]\nplain\n", "No ':' or '='"),
        ("[DEFAULT]\n", "value required for option needed"),
        (None, "service.conf"),
    ],
)
@pytest.mark.parametrize("method", ["mutate", "reload", "rolling"])
def test_the_error_says_what_is_wrong_with_the_file(method, text, words, tmp_path):
    path = tmp_path / "service.conf"
    path.write_text("[DEFAULT]\nneeded = 1\n")
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.IntOpt("needed", required=True)])
    conf(["--config-file", str(path)])
    settings = Settings(conf, method)
    path.unlink()
    if text is not None:
        path.write_text(text)

    read = settings.read_aside if method == "rolling" else settings.read_again
    assert words in str(read())
    if method != "mutate":
        assert conf.needed == 1


BAD = {
    "graceful_shutdown_timeout": "x",
    "shutdown_delay": "x",
    "restart_limit": "x",
    "restart_window": "-1",
    "start_timeout": "x",
    "worker_timeout": "-3",
    "worker_max_age": "x",
    "worker_max_requests": "x",
    "worker_max_memory": "12Q",
    "worker_jitter": "2",
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("method", ["mutate", "reload"])
def test_what_cannot_be_read_is_told_as_it_is_in_force(method, name, tmp_path):
    path = tmp_path / "service.conf"
    ours = "DEFAULT" if name == "graceful_shutdown_timeout" else "oslo_service"

    def write(value: str) -> None:
        path.write_text(f"[{ours}]\n{name} = {value}\n")

    write("1")
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    conf(["--config-file", str(path)])
    settings = Settings(conf, method)
    before = settings.in_force()
    assert set(before) == set(BAD)
    assert before[name] == 1

    write(BAD[name])
    settings.read_again()

    assert settings.in_force() == before
    worker = Settings(conf, method, before)  # a fresh interpreter
    assert worker.in_force() == before


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_at_first_is_refused(name, tmp_path):
    path = tmp_path / "service.conf"
    ours = "DEFAULT" if name == "graceful_shutdown_timeout" else "oslo_service"
    path.write_text(f"[{ours}]\n{name} = {BAD[name]}\n")
    conf = cfg.ConfigOpts()
    conf(["--config-file", str(path)])
    with pytest.raises(ValueError, match=name):
        Settings(conf)


def register_all(conf: cfg.ConfigOpts) -> None:
    opts.register_service_opts(conf)
    opts.register_wsgi_opts(conf)
    opts.register_ssl_opts(conf)


@pytest.mark.parametrize(
    ("ours", "name", "value"),
    [
        ("DEFAULT", "graceful_shutdown_timeout", "x"),
        ("DEFAULT", "client_socket_timeout", "15m"),
        ("DEFAULT", "max_header_line", "0"),
        ("DEFAULT", "wsgi_keep_alive", "perhaps"),
        ("oslo_service", "request_timeout", "nan"),
        ("oslo_service", "slow_request", "-1"),
        ("oslo_service", "worker_max_memory", "12Q"),
        ("ssl", "ca_file", "$nonsense"),
    ],
)
def test_all_stays_where_a_value_of_ours_cannot_be_one(ours, name, value, tmp_path):
    path = tmp_path / "service.conf"
    path.write_text("[DEFAULT]\nplain = old\n")
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt("plain"), cfg.IntOpt("of_others")])
    register_all(conf)
    conf(["--config-file", str(path)])
    settings = Settings(conf)
    before = conf[name] if ours == "DEFAULT" else conf[ours][name]

    bad = f"plain = new\n[{ours}]\n{name} = {value}\n"
    path.write_text(f"[DEFAULT]\n{bad}", encoding="ascii")
    assert name in str(settings.read_again()) or "nonsense" in value
    assert conf.plain == "old"
    assert (conf[name] if ours == "DEFAULT" else conf[ours][name]) == before

    path.write_text("[DEFAULT]\nplain = new\nof_others = x\n", encoding="ascii")
    assert settings.read_again() is None, "what others read is their affair"
    assert conf.plain == "new"


@pytest.mark.parametrize("error", [SystemExit(2), TypeError(), KeyboardInterrupt()])
@pytest.mark.parametrize("method", ["mutate", "reload"])
def test_whatever_reading_raises_is_returned(method, error):
    class Failing(cfg.ConfigOpts):
        def mutate_config_files(self):
            raise error

        reload_config_files = mutate_config_files

    assert Settings(Failing(), method).read_again() is error


def test_a_limit_that_cannot_be_read_stays_what_it_was(caplog):
    conf = cfg.ConfigOpts()
    settings = Settings(conf)
    conf.set_override("graceful_shutdown_timeout", 7)
    assert settings.stop_limit == 7
    conf.set_override("graceful_shutdown_timeout", None)
    assert settings.stop_limit == 7
    assert "it stays at 7 s" in caplog.text
