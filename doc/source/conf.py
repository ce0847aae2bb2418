# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds the documentation."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "oslo.service"
copyright = "the oslo.service developers"
release = metadata.version("oslo.service")
version = ".".join(release.split(".")[:2])

extensions = [
    "check_rules",
    "release_notes",
    "oslo_config.sphinxext",
    "sphinx.ext.autodoc",
]
html_theme = "alabaster"
html_theme_options = {
    "description": "Long-running services, on native threads or on Eventlet",
    "fixed_sidebar": True,
}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# What is in __all__, and nothing that is private.
autodoc_default_options = {"members": True, "show-inheritance": True}
