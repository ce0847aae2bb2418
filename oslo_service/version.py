# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The version of the library, where :mod:`importlib.metadata` is not asked."""

import re
from importlib import metadata

__all__ = ("version_info",)


class VersionInfo:
    """The version of an installed distribution, as pbr tells it."""

    def __init__(self, package: str) -> None:
        self.package = package

    def release_string(self) -> str:
        """Give the whole version, as ``5.0.0.dev7``."""
        return metadata.version(self.package)

    def version_string(self) -> str:
        """Give the version without what comes before or after a release."""
        return re.split(r"\.?(?:a|b|rc|dev|post)\d", self.release_string())[0]

    __str__ = version_string


version_info = VersionInfo("oslo.service")
