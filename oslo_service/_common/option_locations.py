# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where an option is set in the configuration files, for messages."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from oslo_config import cfg, iniparser

from oslo_service._common.setting_lines import setting_lines

__all__ = ("location_of",)


def location_of(
    conf: cfg.ConfigOpts, group: str, option: str, value: str | None = None
) -> str | None:
    """Return the file and the line in which an option is set.

    oslo.config knows no lines, and of several files that have the group it names
    the last: they are read again.

    :param conf: has been read.
    :param group: in lower case.
    :param option: its name; underscores stand for hyphens, too.
    :param value: as which the file has it; None: whatever that is.
    :returns: ``PATH, line N`` of the setting that counts; None: it is set elsewhere,
        or the files have changed, or are gone.
    """
    places = [
        f"{path}, line {line}"
        for path in _files(conf)
        for line, text in _settings(path, group, option)
        if value in (None, text)
    ]
    return places[-1] if places else None


def _files(conf: cfg.ConfigOpts) -> Iterator[Path]:
    """Return the files that it was read from; of two, the later goes first.

    Unless the command line has a folder before a file: then the value tells.
    """
    folders = conf.config_dirs or conf.default_config_dirs
    found = map(_absolute, conf.config_file)
    yield from found
    for folder in folders:
        yield from sorted(_absolute(folder).glob("*.conf"))


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _settings(path: Path, group: str, option: str) -> list[tuple[int, str]]:
    """Return the lines of a file that set an option; none where it cannot be read."""
    # A pipe, of which a shell has given the name, can be read once only.
    if path.is_file():
        with contextlib.suppress(OSError, ValueError, iniparser.ParseError):
            return setting_lines(path.read_text(), group, option)
    return []
