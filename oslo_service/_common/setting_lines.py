# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The lines of a configuration file that set an option."""

from oslo_config import iniparser  # alone: all of oslo.config takes long to import

__all__ = ("setting_lines",)


def setting_lines(text: str, group: str, option: str) -> list[tuple[int, str]]:
    """Return the lines of a file that set an option, and to what.

    :param text: what is in the file.
    :param group: in lower case.
    :param option: its name, with underscores.
    :returns: the number of each line, from 1, and the value.
    :raises oslo_config.iniparser.ParseError: it is no configuration file.
    """
    parser = _Parser(group, option)
    # A setting is over at the line that follows it, so that one has to.
    parser.parse([*text.split("\n"), ""])
    return parser.found


class _Parser(iniparser.BaseParser):
    """Looks for one option in a file.

    :ivar found: the numbers of the lines that set it, and to what.
    """

    def __init__(self, group: str, option: str) -> None:
        self._wanted = group, option
        self._group = ""
        self.found: list[tuple[int, str]] = []

    def new_section(self, section: str) -> None:
        self._group = section.lower()

    def assignment(self, key: str, value: list[str]) -> None:
        if (self._group, key.replace("-", "_")) == self._wanted:
            self.found.append((self.lineno - len(value), "\n".join(value)))
