# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the unit tests."""

from collections.abc import Iterator

import pytest
from oslo_config import cfg

from oslo_service import backend


@pytest.fixture
def global_conf(monkeypatch: pytest.MonkeyPatch) -> cfg.ConfigOpts:
    """Put a fresh configuration in place of the global one."""
    conf = cfg.ConfigOpts()
    monkeypatch.setattr(cfg, "CONF", conf)
    return conf


@pytest.fixture
def undecided(
    global_conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> Iterator[cfg.ConfigOpts]:
    """A process that has decided nothing yet, and its global configuration."""
    monkeypatch.delenv("OS_OSLO_SERVICE__BACKEND", raising=False)
    backend._reset_backend()
    yield global_conf
    backend._reset_backend()
