# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options of the inventory service."""

from oslo_config import cfg

GROUP = "inventory"

OPTIONS = [
    cfg.IntOpt(
        "workers",
        default=2,
        min=1,
        help="How many processes share the work. 1: the service runs in a single"
        " process, without a parent.",
    ),
    cfg.FloatOpt(
        "interval",
        default=10.0,
        min=0.05,
        mutable=True,
        help="Seconds from the beginning of a scan to that of the next. Read again"
        " on SIGHUP.",
    ),
    cfg.StrOpt(
        "database",
        default="inventory.sqlite",
        help="The SQLite file that the inventory is kept in.",
    ),
]

COMMAND_LINE = [
    cfg.StrOpt(
        "directory",
        positional=True,
        required=True,
        help="The directory whose files the inventory is of.",
    ),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    conf.register_cli_opts(COMMAND_LINE)
    conf.register_opts(OPTIONS, group=GROUP)
