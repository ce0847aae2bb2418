# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Configuration files that are read again while others look at the values."""

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
