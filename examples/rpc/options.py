# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options of the greeting service.

Where the broker is, and what there is to say about heartbeats, are options of
oslo.messaging: ``transport_url``, and the group ``oslo_messaging_rabbit``.
"""

import socket

from oslo_config import cfg

GROUP = "greeting"

OPTIONS = [
    cfg.IntOpt(
        "workers",
        default=2,
        min=1,
        help="How many processes answer calls. 1: the service runs in a single"
        " process, without a parent.",
    ),
    cfg.StrOpt(
        "topic",
        default="greeting",
        help="The topic that calls are sent to.",
    ),
    cfg.StrOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<the name of this host>",
        help="The name of this server, for those who call one in particular.",
    ),
    cfg.FloatOpt(
        "longest_call",
        default=30.0,
        min=0.0,
        help="How long a call may take, in seconds. Must be less than"
        " graceful_shutdown_timeout, so that a call that has begun is answered"
        " when the service is stopped.",
    ),
    cfg.StrOpt(
        "restart_method",
        default="mutate",
        choices=["mutate", "reload"],
        help="What SIGHUP does: change the options that are mutable, in every"
        " worker, or replace the workers.",
    ),
    cfg.StrOpt(
        "greeting",
        default="Hello",
        mutable=True,
        help="What a call of who() is answered with. Read again on SIGHUP.",
    ),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    conf.register_opts(OPTIONS, group=GROUP)


def wrong_limits(conf: cfg.ConfigOpts) -> str:
    """Say what is wrong with the order of the time limits; nothing if it is right."""
    longest, limit = conf[GROUP].longest_call, conf.graceful_shutdown_timeout
    if limit == 0 or longest < limit:
        return ""
    return (
        f"[{GROUP}] longest_call is {longest:g}, but has to be less than"
        f" graceful_shutdown_timeout, which is {limit}"
    )
