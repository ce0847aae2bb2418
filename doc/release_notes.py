# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Sphinx directive that shows the notes that are in the source tree.

reno's own reads the history, with its tags, and fails where that is not
complete. These are shown in any checkout.
"""

from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from reno import config
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent


class ReleaseNotes(SphinxDirective):
    """The notes, section by section in the order that reno has."""

    def run(self) -> list[nodes.Node]:
        """Render them."""
        notes = self._read()
        lines: list[str] = []
        for note in notes:
            lines += [note.get("prelude", ""), ""]
        for section in config.Config(str(ROOT)).sections:
            entries = [entry for note in notes for entry in note.get(section.name, ())]
            if entries:
                lines += ["", section.title, "-" * len(section.title), ""]
            for entry in entries:
                first, *rest = entry.strip().splitlines()
                lines += [f"* {first}", *(f"  {line}" for line in rest)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)

    def _read(self) -> list[dict[str, Any]]:
        paths = sorted((ROOT / "releasenotes" / "notes").glob("*.yaml"))
        for path in paths:
            self.env.note_dependency(str(path))
        return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the directive known."""
    app.add_directive("notes-in-this-tree", ReleaseNotes)
    return {"parallel_read_safe": True}
