# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Has the suite run in a folder where nothing but the library is installed."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load what the suite consists of, beside its tests."""
    config.pluginmanager.import_plugin("oslo_service.testing.suite")
    config.pluginmanager.import_plugin("oslo_service.testing._endings")
