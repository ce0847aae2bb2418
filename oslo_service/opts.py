# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The configuration options of the library, and how to register them."""

import copy
from typing import Any

from oslo_config import cfg

from oslo_service._common.option_registration import register
from oslo_service._common.option_types import Finite, Size
from oslo_service._common.public_names import set_modules

__all__ = (
    "list_opts",
    "register_backend_opts",
    "register_cluster_opts",
    "register_periodic_opts",
    "register_service_opts",
    "register_ssl_opts",
    "register_wsgi_opts",
    "set_service_opts_defaults",
)

set_modules(globals())

BACKEND_GROUP = "oslo_service"
BACKEND_OPTION = "backend"
SSL_GROUP = "ssl"

backend_opts = [
    cfg.StrOpt(
        BACKEND_OPTION,
        default="auto",
        help="The concurrency model that the service runs on: the name of an"
        " installed driver. 'threading' (native threads) and 'eventlet' (green"
        " threads) come with oslo.service. 'auto' is eventlet in a process that"
        " eventlet has monkey-patched, or in which green threads are in use when a"
        " launcher is made, and threading in every other.",
    ),
]

help_for_backdoor_port = (
    "Where the back door listens: 0 takes any free TCP port, a number takes that"
    " port (if it is in use, there is no back door), and <start>:<end> takes the"
    " first free port of the range. The port is written to the log."
)

eventlet_backdoor_opts = [
    cfg.StrOpt(
        "backdoor_port",
        help=f"Enable the debugging back door. {help_for_backdoor_port}",
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
        mutable=True,
        help="How many seconds a process that was told to stop may take to finish"
        " its work. Past that it is ended by force, with status 1. 0 sets no limit.",
    ),
]

limit_opts = [
    cfg.Opt(
        "shutdown_delay",
        type=Finite(min=0),
        default=0,
        mutable=True,
        help="For how many seconds after SIGTERM clients are still accepted, while"
        " the service already says that it is not ready: as long as a load balancer,"
        " or Kubernetes, takes to stop sending clients. graceful_shutdown_timeout"
        " counts from the end of that time. Another SIGTERM, more than a second after"
        " the first, ends it early.",
    ),
    cfg.IntOpt(
        "restart_limit",
        default=0,
        min=0,
        mutable=True,
        help="How many times a worker may be lost, and replaced, in restart_window"
        " seconds. When every worker of a service is past that, everything else is"
        " stopped in order, and the process ends with status 1, so that systemd or"
        " Kubernetes sees a crash loop. 0: workers are replaced for ever.",
    ),
    cfg.Opt(
        "restart_window",
        type=Finite(min=0),
        default=30,
        mutable=True,
        help="The time, in seconds, in which the losses that restart_limit limits are"
        " counted.",
    ),
    cfg.Opt(
        "start_timeout",
        type=Finite(min=0),
        default=30,
        mutable=True,
        help="How many seconds the successor of a worker may take to be ready, in a"
        " rolling reload or when a worker is recycled. Past that, the successor is"
        " stopped, and the worker goes on. 0: no limit, but a start() that has not"
        " returned after 30 s counts as done.",
    ),
    cfg.Opt(
        "worker_timeout",
        type=Finite(min=0),
        default=0,
        mutable=True,
        help="After how many seconds without an answer a worker counts as hung: its"
        " stacks are written to the log, another one takes its place, and it is"
        " killed. Each worker is asked four times in that time. 0: workers are not"
        " asked.",
    ),
    cfg.Opt(
        "worker_max_age",
        type=Finite(min=0),
        default=0,
        mutable=True,
        help="After how many seconds a worker is recycled: its successor is started,"
        " and when that is ready it stops in order. One at a time. 0: never.",
    ),
    cfg.IntOpt(
        "worker_max_requests",
        default=0,
        min=0,
        mutable=True,
        help="After how many HTTP requests a worker is recycled. 0: never.",
    ),
    cfg.Opt(
        "worker_max_memory",
        type=Size(),
        default=0,
        mutable=True,
        help="How much memory a worker may use before it is recycled: its proportional"
        " set size, in which memory that is shared with others counts in part. A number"
        " of bytes, or one with K, M or G, such as 512M. It is measured every 5"
        " seconds. 0: no limit.",
    ),
    cfg.Opt(
        "worker_jitter",
        type=Finite(min=0, max=1),
        default=0.1,
        mutable=True,
        help="What part of worker_max_age, worker_max_requests and worker_max_memory"
        " is random, so that not all workers are recycled at the same time: with 0.1,"
        " each has a limit between 90 and 100 % of what is configured.",
    ),
]

periodic_opts = [
    cfg.BoolOpt(
        "run_external_periodic_tasks",
        default=True,
        help="Whether this process runs those periodic tasks that another process may"
        " run in its place.",
    ),
]

wsgi_opts = [
    cfg.StrOpt(
        "api_paste_config",
        default="api-paste.ini",
        help="The PasteDeploy file that describes the applications. A name that is"
        " not a full path is looked up where the configuration files are.",
    ),
    cfg.StrOpt(
        "wsgi_log_format",
        default='%(client_ip)s "%(request_line)s" status: %(status_code)s'
        "  len: %(body_length)s time: %(wall_seconds).7f",
        help="The format of the access log's line for each request. Its fields are"
        " client_ip, client_port, date_time, request_line, status_code, body_length"
        " and wall_seconds, each written as in %(client_ip)s. 'json' writes a JSON"
        " object for each request, with the request id where the application has set"
        " one.",
    ),
    cfg.IntOpt(
        "tcp_keepidle",
        default=600,
        min=1,
        max=32767,
        help="After how many seconds of silence the kernel begins to probe whether"
        " the other end of a TCP connection still exists.",
    ),
    cfg.IntOpt(
        "wsgi_default_pool_size",
        default=100,
        min=1,
        help="How many requests the application may work on at a time, in each"
        " process, unless the server was given a number of its own. Open connections"
        " do not count.",
    ),
    cfg.IntOpt(
        "max_header_line",
        default=16384,
        min=1,
        help="The longest line of a request's header, in bytes. A longer one, such as"
        " one with a very large token, is answered with status 431.",
    ),
    cfg.BoolOpt(
        "wsgi_keep_alive",
        default=True,
        help="Leave a connection open for the client's next request. If false,"
        " every connection is closed after its first response.",
    ),
    cfg.IntOpt(
        "client_socket_timeout",
        default=900,
        min=0,
        help="How many seconds a client may keep the server waiting, for a request or"
        " for reading the response, before its connection is closed. 0 sets no limit.",
    ),
    cfg.BoolOpt(
        "wsgi_server_debug",
        default=False,
        help="Show the traceback to the client where the application fails. If"
        " false, the client is told nothing but status 500.",
    ),
]

request_opts = [
    cfg.Opt(
        "request_timeout",
        type=Finite(min=0),
        default=0,
        help="After how many seconds in the application a request is answered with"
        " status 503, if nothing has been sent yet, and its connection is closed. The"
        " log says where the application is; it goes on, and takes its place in the"
        " pool until it ends. 0: no limit.",
    ),
    cfg.Opt(
        "slow_request",
        type=Finite(min=0),
        default=0,
        help="After how many seconds in the application a request is logged, once,"
        " while it is still there, with the place in the code. 0: never.",
    ),
]

cluster_opts = [
    cfg.StrOpt(
        "cluster_url",
        secret=True,
        help="Where the processes of the service, on all hosts, find each other: a"
        " URL of tooz, such as etcd3+http://etcd.example:2379,"
        " redis://:PASSWORD@redis.example:6379, zookeeper://zk.example:2181 or, for"
        " one host, file:///run/the-service. Empty: there is no cluster, and what is"
        " to run once per cluster runs once per host.",
    ),
    cfg.StrOpt(
        "cluster_group",
        help="The name that the processes of the service share, and no other service"
        " has. Unset: the name of the program, so that several programs of a service"
        " are several groups. It is logged when a process joins.",
    ),
    cfg.IntOpt(
        "cluster_lease",
        default=15,
        min=5,
        help="After how many seconds another process takes the place of one that is"
        " gone, or cut off.",
    ),
    cfg.Opt(
        "cluster_skew",
        type=Finite(min=0),
        default=1.0,
        help="By how many seconds the clocks of two hosts may differ.",
    ),
    cfg.BoolOpt(
        "cluster_required",
        default=False,
        help="Refuse to start without a cluster_url.",
    ),
]

admin_opts = [
    cfg.StrOpt(
        "admin_socket",
        help="The path of a UNIX socket on which the parent shows how the service"
        " fares, and takes orders: over HTTP, or from 'python -m oslo_service ctl'. Its"
        " permissions are 0600. Unset: there is none.",
    ),
    cfg.StrOpt(
        "admin_address",
        help="Where to answer probes and monitors over HTTP: /live, /ready, /health"
        " and /metrics, and nothing else. HOST:PORT, such as 127.0.0.1:9001 or"
        " [::]:9001, or the path of a UNIX socket. Unset: nowhere.",
    ),
]

ssl_opts = [
    cfg.StrOpt(
        "ca_file",
        help="A file of certificate authorities, in PEM format. If set, a client"
        " must present a certificate that one of them has signed.",
    ),
    cfg.StrOpt(
        "cert_file",
        help="The server's certificate, in PEM format, followed by the intermediate"
        " ones up to its authority.",
    ),
    cfg.StrOpt(
        "key_file",
        help="The private key of the server's certificate, in PEM format.",
    ),
    cfg.StrOpt(
        "version",
        help="The only version of TLS to speak: TLSv1, TLSv1_1, TLSv1_2 or TLSv1_3."
        " Unset, or SSLv23: any that the client knows, from TLS 1.2 on.",
    ),
    cfg.StrOpt(
        "ciphers",
        help="The ciphers to choose from, up to TLS 1.2, as a cipher list of"
        " OpenSSL. Unset: Python's default.",
    ),
]

_launcher_opts = [*backend_opts, *limit_opts, *cluster_opts, *admin_opts]

#: All options in the group of the library, whoever registers them.
group_opts = [*_launcher_opts, *request_opts]

#: All options of the library, in pairs of their group and them.
all_opts: list[tuple[str | None, list[Any]]] = [
    (None, [*service_opts, *eventlet_backdoor_opts, *periodic_opts, *wsgi_opts]),
    (BACKEND_GROUP, group_opts),
    (SSL_GROUP, ssl_opts),
]


def register_backend_opts(conf: cfg.ConfigOpts) -> None:
    """Register ``[oslo_service] backend``; idempotent.

    :param conf: the configuration.
    """
    register(conf, backend_opts, BACKEND_GROUP)


def register_service_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of launchers; idempotent.

    :param conf: the configuration.
    """
    register(conf, service_opts)
    register(conf, eventlet_backdoor_opts)
    register(conf, _launcher_opts, BACKEND_GROUP)


def register_cluster_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of clusters; idempotent.

    :param conf: the configuration.
    """
    register(conf, cluster_opts, BACKEND_GROUP)


def register_periodic_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of periodic tasks; idempotent.

    :param conf: the configuration.
    """
    register(conf, periodic_opts)


def register_wsgi_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of the HTTP server; idempotent.

    :param conf: the configuration.
    """
    register(conf, wsgi_opts)
    register(conf, request_opts, BACKEND_GROUP)


def register_ssl_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of TLS; idempotent.

    :param conf: the configuration.
    """
    register(conf, ssl_opts, SSL_GROUP)


def set_service_opts_defaults(conf: cfg.ConfigOpts, **kwargs: Any) -> None:
    """Replace defaults of the options that :func:`register_service_opts` knows.

    :param conf: the configuration; the options are registered on it.
    :param kwargs: option names and their new defaults.
    :raises AttributeError: there is no such option; nothing is changed.
    :raises ValueError: an option cannot have that value; nothing is changed.
    """
    register_service_opts(conf)
    options = [*service_opts, *eventlet_backdoor_opts]
    known = {option.dest: option for option in options}
    for name, value in kwargs.items():
        if name not in known:
            raise AttributeError(
                f"no service option is called {name!r}; there are:"
                f" {', '.join(sorted(known))}"
            )
        _check_default(known[name], value)
    cfg.set_defaults(options, **kwargs)
    conf.register_opts([])  # makes it forget the values that it has looked up


def _check_default(option: cfg.Opt, value: Any) -> None:
    # A reference to another option cannot be checked yet.
    if value is None or (isinstance(value, str) and "$" in value):
        return
    try:
        option.type(value)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"{option.dest}={value!r}: no such default: {exc}") from exc


def list_opts() -> list[tuple[str | None, list[Any]]]:
    """Return the options for oslo-config-generator: (group, options) pairs."""
    return listed(
        (None, [*eventlet_backdoor_opts, *service_opts]),
        (BACKEND_GROUP, _launcher_opts),
    )


def listed(*groups: tuple[str | None, list[Any]]) -> list[tuple[str | None, list[Any]]]:
    """Return options as ``list_opts()`` does: copies, which may be changed.

    :param groups: (group, options) pairs.
    """
    return copy.deepcopy(list(groups))
