# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Sphinx directive that shows what a file of an example is changed into."""

import difflib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
# The licence, which is the same in all.
_HEADER = 2


class Changes(SphinxDirective):
    """The difference between ``before`` and ``after`` in a folder of examples."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Render it."""
        example, name = self.arguments
        sides = ("before", "after")
        texts = [self._read(EXAMPLES / example / side / name) for side in sides]
        shown = difflib.unified_diff(
            *texts, *(f"{side}/{name}" for side in sides), lineterm="", n=2
        )
        text = "\n".join(shown)
        return [nodes.literal_block(text, text, language="diff")]

    def _read(self, path: Path) -> list[str]:
        self.env.note_dependency(str(path))
        return path.read_text(encoding="utf-8").splitlines()[_HEADER:]


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the directive known."""
    app.add_directive("changes", Changes)
    return {"parallel_read_safe": True}
