# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The first line of a program."""

import sys
from collections.abc import Sequence

from oslo_config import cfg

from oslo_service._common import first_process
from oslo_service.backend import _selection, base

__all__ = ("bootstrap",)


def bootstrap(
    project: str | None = None,
    argv: Sequence[str] | None = None,
    default_config_files: Sequence[str] | None = None,
) -> base.Driver:
    """Select the driver and prepare the process: the first line of a program.

    It stands at the very top of an entry point, before the other imports, in
    place of ``eventlet.monkey_patch()``, which it calls where the driver is
    Eventlet. The option is read from the configuration files and the
    environment; other options are not looked at.

    :param project: whose configuration files to look for, as in
        ``ConfigOpts()``.
    :param argv: the command line without the program's name; None:
        ``sys.argv[1:]``. Only ``--config-file`` and ``--config-dir`` count.
    :param default_config_files: the files to read where the command line
        names none.
    :returns: the driver.
    :raises oslo_config.cfg.Error: a configuration file cannot be read.
    :raises UnsupportedBackendError: see :func:`init_backend`.
    """
    first_process.step_aside(at_the_top=True)
    conf = cfg.ConfigOpts()
    conf(
        args=_config_arguments(sys.argv[1:] if argv is None else argv),
        project=project,
        default_config_files=list(default_config_files)
        if default_config_files
        else None,
    )
    driver = _selection.select_by(conf)
    driver.prepare_process()
    return driver


def _config_arguments(argv: Sequence[str]) -> list[str]:
    """Pick ``--config-file`` and ``--config-dir`` out of a command line."""
    wanted = ("--config-file", "--config-dir")
    picked: list[str] = []
    rest = iter(argv)
    for argument in rest:
        if argument == "--":
            break
        if argument in wanted:
            value = next(rest, None)
            if value is not None:
                picked += [argument, value]
        elif argument.startswith(tuple(name + "=" for name in wanted)):
            picked.append(argument)
    return picked
