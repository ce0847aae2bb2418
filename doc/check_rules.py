# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Sphinx directive that shows the rules of ``python -m oslo_service check``."""

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from oslo_service.commands.check import catalogue
from oslo_service.commands.check.model import Rule

GROUPS = {
    "OSE0": "Files",
    "OSE1": "The use of Eventlet",
    "OSE2": "Features of the library",
    "OSE3": "What blocks, or lives on",
    "OSE4": "State that is shared",
}


class CheckRules(SphinxDirective):
    """All rules, group by group."""

    def run(self) -> list[nodes.Node]:
        """Render them."""
        lines: list[str] = []
        for beginning, title in GROUPS.items():
            lines += [title, "~" * len(title), ""]
            for rule in catalogue.RULES:
                if rule.id.startswith(beginning):
                    lines += self._about(rule)
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)

    @staticmethod
    def _about(rule: Rule) -> Iterator[str]:
        literal = str.maketrans({"*": r"\*", "_": r"\_", "`": r"\`"})
        yield f"**{rule.id}**, {rule.severity}: {rule.title.translate(literal)}"
        yield f"    {rule.why.translate(literal)}"
        yield ""
        yield f"    *Instead:* {rule.instead.translate(literal)}"
        yield ""


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the directive known."""
    app.add_directive("rules-of-check", CheckRules)
    return {"parallel_read_safe": True}
