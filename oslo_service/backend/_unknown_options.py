# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Options that are set in the group of the library, and that it does not have."""

from typing import Any

from oslo_config import cfg

from oslo_service._common.option_locations import location_of
from oslo_service.opts import BACKEND_GROUP

__all__ = ("unknown_options",)


def unknown_options(conf: cfg.ConfigOpts | None, ours: list[Any]) -> list[str]:
    """Return messages about unknown options in the group of the library.

    An option that is neither ours nor registered by others is misspelt: it has no
    effect.

    :param conf: the configuration, read; None: the global one.
    :param ours: the options of the library, registered or not.
    """
    conf = cfg.CONF if conf is None else conf
    # What oslo.config has parsed is not to be had otherwise without reading it again.
    parsed = getattr(getattr(conf, "_namespace", None), "_parsed", None)
    if not isinstance(parsed, list):
        return []
    known = {*conf[BACKEND_GROUP], *(option.dest for option in ours)}
    found = {name for file in parsed for name in file.get(BACKEND_GROUP, ())}
    return [
        f"[{BACKEND_GROUP}] {name} is set{_place(conf, name)}, which is no option and"
        f" has no effect; there is: {', '.join(sorted(known))}"
        for name in sorted(found)
        if name.replace("-", "_") not in known
    ]


def _place(conf: cfg.ConfigOpts, name: str) -> str:
    """Return where one of the group is set, in brackets, where that is found."""
    place = location_of(conf, BACKEND_GROUP, name.replace("-", "_"))
    return f" ({place})" if place else ""
