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
    "changes",
    "check_rules",
    "release_notes",
    "oslo_config.sphinxext",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]

html_theme = "furo"
html_title = f"oslo.service {release}"
html_theme_options = {"navigation_with_keys": True}

# What is typed, without the prompt and what is printed.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

# Copies: the documentation is built without a network.
intersphinx_mapping = {
    name: (address, f"../inventories/{name}.inv")
    for name, address in {
        "python": "https://docs.python.org/3/",
        "oslo.config": "https://docs.openstack.org/oslo.config/latest/",
        "eventlet": "https://eventlet.readthedocs.io/en/latest/",
    }.items()
}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# What is in __all__, and nothing that is private.
autodoc_default_options = {"members": True, "show-inheritance": True}
