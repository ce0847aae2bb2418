# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where the control socket is, as the configuration says."""

import glob
import os

__all__ = ("NotFound", "find")

_VARIABLE = "OS_OSLO_SERVICE__ADMIN_SOCKET"
_GROUP, _OPTION = "oslo_service", "admin_socket"


class NotFound(Exception):
    """The configuration does not say where it is; or cannot be read."""


def find(sources: list[tuple[str, str]], project: str | None) -> str:
    """Return the path of the control socket, as the service would have it.

    :param sources: ``--config-file`` and ``--config-dir``, each with its value, in
        their order.
    :param project: whose configuration files to look for, where none is given.
    :raises NotFound: with what to do.
    """
    path = os.environ.get(_VARIABLE)
    if path is None and sources:
        path = _read_quickly(sources)
    if path is None or "$" in path:
        path = _read(sources, project)
    if not path:
        looked = [_VARIABLE, *(value for _, value in sources)]
        if project and not sources:
            looked.append(f"the default files of {project}")
        raise NotFound(
            f"[{_GROUP}] {_OPTION} is not set in {', nor in '.join(looked)}: name the"
            " service's own files with --config-file, or the socket with --socket"
        )
    return path


def _read_quickly(sources: list[tuple[str, str]]) -> str | None:
    """Return the value without importing all of oslo.config, which takes long.

    None: it is not set, or there is something that takes all of it to tell.
    """
    from oslo_config import iniparser

    from oslo_service._common.setting_lines import setting_lines

    found: list[tuple[int, str]] = []
    for path in _files(sources):
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - no pathlib
                found += setting_lines(file.read(), _GROUP, _OPTION)
        except (OSError, ValueError, iniparser.ParseError):
            return None  # oslo.config says it better
    return found[-1][1] if found else None


def _files(sources: list[tuple[str, str]]) -> list[str]:
    files = []
    for option, value in sources:
        path = os.path.expanduser(value)  # noqa: PTH111 - no pathlib
        if option == "--config-file":
            files.append(path)
        else:
            files += sorted(glob.glob(os.path.join(path, "*.conf")))  # noqa: PTH118, PTH207
    return files


def _read(sources: list[tuple[str, str]], project: str | None) -> str | None:
    from oslo_config import cfg

    from oslo_service import opts

    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    looked_for: list[str] | None = None if project else []
    try:
        conf(
            args=[f"{option}={value}" for option, value in sources],
            project=project,
            default_config_files=looked_for,
            default_config_dirs=looked_for,
        )
        path: str | None = conf[_GROUP][_OPTION]
    except (cfg.Error, ValueError) as exc:
        raise NotFound(str(exc)) from exc
    return path
