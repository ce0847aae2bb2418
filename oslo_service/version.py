# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The version of the library, where :mod:`importlib.metadata` is not asked."""

import re
from importlib import metadata

from oslo_service._common.deprecation import warn_once

__all__ = ("version_info",)  # noqa: F822 - given by __getattr__


class VersionInfo:
    """The version of an installed distribution, as pbr tells it."""

    def __init__(self, package: str) -> None:
        self.package = package

    def release_string(self) -> str:
        """Return the whole version, as ``5.0.0.dev7``."""
        return metadata.version(self.package)

    def version_string(self) -> str:
        """Return the version without what comes before or after a release."""
        return re.split(r"\.?(?:a|b|rc|dev|post)\d", self.release_string())[0]

    def cached_version_string(self, prefix: str = "") -> str:
        """Return the version, with something before it."""
        return prefix + self.version_string()

    version_string_with_vcs = canonical_version_string = release_string
    __str__ = version_string


def __getattr__(name: str) -> VersionInfo:
    if name == "version_info":
        warn_once(
            "oslo_service.version", 'use importlib.metadata.version("oslo.service")'
        )
        return VersionInfo("oslo.service")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
