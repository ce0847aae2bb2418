# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options of the stock service."""

from oslo_config import cfg

GROUP = "stock"

OPTIONS = [
    cfg.IntOpt(
        "workers",
        default=2,
        min=1,
        help="How many processes answer requests. 1: the service runs in a single"
        " process, without a parent.",
    ),
    cfg.StrOpt(
        "host",
        default="127.0.0.1",
        help="The address to listen on.",
    ),
    cfg.PortOpt(
        "port",
        default=8080,
        help="The port to listen on. 0: any that is free.",
    ),
    cfg.StrOpt(
        "socket",
        help="The path of a UNIX socket to listen on, in place of host and port.",
    ),
    cfg.BoolOpt(
        "tls",
        default=False,
        help="Speak TLS, with the certificate that the group [ssl] names.",
    ),
    cfg.StrOpt(
        "database",
        default="stock.sqlite",
        help="The SQLite file that the stock is kept in.",
    ),
    cfg.BoolOpt(
        "read_only",
        default=False,
        help="Refuse changes. Read again on SIGHUP.",
    ),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    conf.register_opts(OPTIONS, group=GROUP)
