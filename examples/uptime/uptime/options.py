# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options of the service."""

from oslo_config import cfg

GROUP = "uptime"

OPTIONS = [
    cfg.ListOpt(
        "targets",
        default=["127.0.0.1:22"],
        mutable=True,
        help="What to look at: addresses such as 192.0.2.1:443, with commas between.",
    ),
    cfg.FloatOpt(
        "interval",
        default=10.0,
        min=0.1,
        mutable=True,
        help="How often to look, in seconds.",
    ),
    cfg.FloatOpt(
        "patience",
        default=2.0,
        min=0.1,
        mutable=True,
        help="How long a target may take to answer, in seconds.",
    ),
    cfg.HostAddressOpt(
        "host",
        default="127.0.0.1",
        help="The address to answer requests at.",
    ),
    cfg.PortOpt(
        "port",
        default=8088,
        help="The port to answer requests at. 0: any that is free.",
    ),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    conf.register_opts(OPTIONS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for oslo-config-generator, by their group."""
    return [(GROUP, OPTIONS)]
