# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How an option says a number of bytes."""

import pytest
from oslo_config import cfg

from oslo_service import opts


@pytest.fixture
def conf() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    conf([])
    return conf


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1 << 20),
        (1048576, 1 << 20),
        ("512K", 512 << 10),
        ("512M", 512 << 20),
        ("512m", 512 << 20),
        ("512 MiB", 512 << 20),
        ("2G", 2 << 30),
        ("1T", 1 << 40),
    ],
)
def test_with_a_unit_or_without(conf: cfg.ConfigOpts, text: object, size: int) -> None:
    conf.set_override("worker_max_memory", text, group="oslo_service")
    assert conf.oslo_service.worker_max_memory == size


@pytest.mark.parametrize("text", ["", "much", "1.5G", "-1", "M", "1X", "1MM"])
def test_what_is_none_is_refused(conf: cfg.ConfigOpts, text: str) -> None:
    with pytest.raises(ValueError, match="a size is a number of bytes"):
        conf.set_override("worker_max_memory", text, group="oslo_service")
