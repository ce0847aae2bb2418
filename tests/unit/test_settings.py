# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Configuration files that are read again, and what may go wrong at that."""

import pytest
from oslo_config import cfg

from oslo_service.supervisor.settings import Settings


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
