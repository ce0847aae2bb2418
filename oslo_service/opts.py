# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Every configuration option of the library, in one place."""

from typing import Any

from oslo_config import cfg

__all__ = (
    "list_opts",
    "register_backend_opts",
    "register_service_opts",
    "set_service_opts_defaults",
)

BACKEND_GROUP = "oslo_service"
BACKEND_OPTION = "backend"

backend_opts = [
    cfg.StrOpt(
        BACKEND_OPTION,
        default="auto",
        help="The concurrency model that the service runs on: the name of an"
        " installed driver. 'threading' (native threads) and 'eventlet' (green"
        " threads) come with oslo.service. 'auto' is eventlet in a process that"
        " eventlet has monkey-patched, and threading in every other.",
    ),
]

_BACKDOOR_PORT_HELP = (
    "Where the back door listens: 0 takes any free TCP port, a number takes that"
    " port (if it is in use, there is no back door), and <start>:<end> takes the"
    " first free port of the range. The port is written to the log."
)

eventlet_backdoor_opts = [
    cfg.StrOpt(
        "backdoor_port",
        help=f"Enable the debugging back door. {_BACKDOOR_PORT_HELP}",
    ),
    cfg.StrOpt(
        "backdoor_socket",
        help="Enable the debugging back door on a UNIX socket at this path, in"
        " place of a port. '{pid}' in it stands for the process id.",
    ),
]

service_opts = [
    cfg.BoolOpt(
        "log_options",
        default=True,
        help="Write the values of all options to the log when the service"
        " starts, at level DEBUG.",
    ),
    cfg.IntOpt(
        "graceful_shutdown_timeout",
        default=60,
        min=0,
        help="How many seconds a process that was told to stop may take to finish"
        " its work. Past that it is ended by force, with status 1. 0 sets no limit.",
    ),
]


def register_backend_opts(conf: cfg.ConfigOpts) -> None:
    """Register ``[oslo_service] backend``; harmless where it is there already."""
    register(conf, backend_opts, BACKEND_GROUP)


def register_service_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of launchers; harmless where they are there already."""
    register(conf, service_opts)
    register(conf, eventlet_backdoor_opts)
    register_backend_opts(conf)


def set_service_opts_defaults(conf: cfg.ConfigOpts, **kwargs: Any) -> None:
    """Replace defaults of the service options.

    :param kwargs: option names and their new defaults.
    :raises AttributeError: there is no such option.
    """
    register_service_opts(conf)
    known = {option.dest for option in service_opts}
    for name in kwargs:
        if name not in known:
            raise AttributeError(
                f"no service option is called {name!r}; there are:"
                f" {', '.join(sorted(known))}"
            )
    cfg.set_defaults(service_opts, **kwargs)


def register(
    conf: cfg.ConfigOpts, options: list[Any], group: str | None = None
) -> None:
    """Register options that may be registered already.

    By another thread, or by another library in slightly different words:
    whichever was first stays.
    """
    for option in options:
        try:
            conf.register_opt(option, group=group)
        except cfg.DuplicateOptError:
            pass


def list_opts() -> list[tuple[str | None, list[Any]]]:
    """Give the options for oslo-config-generator: (group, options) pairs."""
    return [
        (None, [*eventlet_backdoor_opts, *service_opts]),
        (BACKEND_GROUP, list(backend_opts)),
    ]
