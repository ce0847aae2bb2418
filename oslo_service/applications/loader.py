# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Applications that a PasteDeploy file describes."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from oslo_service import opts
from oslo_service._common import extras
from oslo_service.backend.exceptions import OsloServiceError

__all__ = ("ConfigNotFound", "Loader", "PasteAppNotFound")


class ConfigNotFound(OsloServiceError):
    """The file that describes the applications is not there.

    :param path: where it should be.
    """

    def __init__(self, path: str) -> None:
        super().__init__(
            f"there is no PasteDeploy file {path!r}: [DEFAULT] api_paste_config is"
            " its full path, or its name beside the configuration files"
        )
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path,)


class PasteAppNotFound(OsloServiceError):
    """An application cannot be found; the cause says what was looked for.

    :param name: the name of the application.
    :param path: the file that should describe it.
    """

    def __init__(self, name: str | None, path: str) -> None:
        super().__init__(f"the application {name!r} cannot be loaded from {path}")
        self.name = name
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.path)


class Loader:
    """Makes applications from the file that ``api_paste_config`` names.

    :param conf: the configuration.
    :raises ConfigNotFound: there is no such file.
    :ivar config_path: the full path of the file.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        opts.register_wsgi_opts(conf)
        self.config_path = _find(conf)

    def load_app(self, name: str | None) -> Any:
        """Make an application, with everything that is in front of it.

        :param name: of the section ``app``, ``pipeline`` or ``composite``; None:
            ``main``.
        :returns: the application, as its factory has made it.
        :raises PasteAppNotFound: it, or something that it is made of, is not
            described, or a factory looked for something in vain.
        :raises ImportError: PasteDeploy is missing; names what to install.
        """
        deploy = extras.need("paste.deploy", "wsgi")
        try:
            # PasteDeploy takes the path for part of a URL.
            return deploy.loadapp(f"config:{quote(self.config_path)}", name=name)
        except LookupError as exc:
            raise PasteAppNotFound(name, self.config_path) from exc


def _find(conf: cfg.ConfigOpts) -> str:
    name: str = conf.api_paste_config
    found = name if Path(name).is_absolute() else conf.find_file(name)
    if not found or not Path(found).exists() or Path(found).is_dir():
        raise ConfigNotFound(name)
    return str(Path(found).absolute())
