# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Rules, findings, and their severity."""

import dataclasses
import enum
from pathlib import Path

__all__ = ("Finding", "Rule", "Severity")


class Severity(enum.IntEnum):
    """How much a finding matters; the higher, the more."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclasses.dataclass(frozen=True)
class Rule:
    """Something to look for.

    :ivar id: unique, and never reused.
    :ivar severity: how much it matters.
    :ivar title: what is found, in a few words.
    :ivar why: why it matters on native threads.
    :ivar instead: what to write instead.
    """

    id: str
    severity: Severity
    title: str
    why: str
    instead: str


@dataclasses.dataclass(frozen=True)
class Finding:
    """A place in a file to which a rule applies.

    :ivar rule: the rule.
    :ivar path: the file.
    :ivar line: from 1.
    :ivar column: from 1.
    :ivar subject: what it is about: a name in the code, as far as it could be
        followed.
    :ivar severity: that of the rule, or less where the code around says so.
    """

    rule: Rule
    path: Path
    line: int
    column: int
    subject: str
    severity: Severity

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"
