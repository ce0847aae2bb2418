# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service backends``."""

import argparse
import importlib
import json
from typing import Any

from oslo_config import cfg

from oslo_service import opts
from oslo_service.backend import _commitment
from oslo_service.commands import probe

__all__ = ("add_to",)

# What the option is called where the environment has set it.
_ENVIRONMENT = "environment"
#: Raised when a key of the JSON output goes, or changes its meaning.
_VERSION = 1


def add_to(commands: Any) -> None:
    """Make the command known to the parser of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "backends",
        help="list the installed drivers, and which one would be selected",
        description="List the installed drivers: where each comes from, whether it"
        " can be used, what it can do, and which one would be selected here, and by"
        " what. Nothing is decided by asking; each driver is loaded in a process of"
        " its own.",
        epilog="Exit status: 0: the driver that would be selected can be used;"
        " 1: it cannot; 2: the command line is wrong, or a configuration file, or the"
        " output cannot be written.",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    for option, what in (
        ("--config-file", "a configuration file of the service"),
        ("--config-dir", "a folder of such files"),
    ):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="PATH",
            help=f"{what}; may be given more than once",
        )
    parser.add_argument(
        "--project",
        metavar="NAME",
        help="look for the configuration files of this project where none is given",
    )
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="import this first, as the service's program does, for what its code"
        " says: a hook, a default of the option, monkey-patching; may be given more"
        " than once",
    )
    parser.set_defaults(run=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> tuple[int, str]:
    for module in arguments.modules:
        _import(module, arguments.parser)
    try:
        conf = _configure(arguments)
        chosen = _commitment.preview(conf)
    except cfg.Error as exc:
        arguments.parser.error(str(exc))
    drivers = probe.find()
    selected = _selected(chosen, conf, drivers)
    said = _as_json if arguments.json else _as_text
    return (0 if selected["usable"] else 1), said(drivers, selected)


def _import(module: str, parser: argparse.ArgumentParser) -> None:
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it is anybody's code
        parser.error(
            f"{module} cannot be imported: {type(exc).__name__}: {exc}. --import"
            " takes the name of a module, as an import statement does"
        )


def _configure(arguments: argparse.Namespace) -> cfg.ConfigOpts:
    """Read what the service would read, into the global configuration.

    The global one, as that is where a project's code sets defaults.
    """
    files = [f"--config-file={one}" for one in arguments.config_file]
    folders = [f"--config-dir={one}" for one in arguments.config_dir]
    looked_for: list[str] | None = None if arguments.project else []
    cfg.CONF(
        args=[*files, *folders],
        project=arguments.project,
        default_config_files=looked_for,
        default_config_dirs=looked_for,
    )
    opts.register_backend_opts(cfg.CONF)
    return cfg.CONF


def _selected(
    chosen: _commitment.Preview, conf: cfg.ConfigOpts, drivers: list[probe.Found]
) -> dict[str, Any]:
    """Return which driver would be selected, by what, and whether it can be used."""
    by = chosen.rule
    location = conf.get_location(opts.BACKEND_OPTION, opts.BACKEND_GROUP)
    if by == "option" and location is not None:
        if location.location is cfg.Locations.environment:
            by = _ENVIRONMENT
    found = [one for one in drivers if one.name == chosen.name]
    reason = chosen.refusal
    if not found:
        reason = (
            f"no driver is called {chosen.name!r}; installed are:"
            f" {', '.join(sorted({one.name for one in drivers}))}"
        )
    elif reason is None:
        reason = found[0].reason
    return {
        "name": chosen.name,
        "by": by,
        "origin": chosen.origin,
        "usable": reason is None,
        "reason": reason,
    }


def _as_json(drivers: list[probe.Found], selected: dict[str, Any]) -> str:
    listed = [
        {
            "name": one.name,
            "distribution": one.distribution,
            "version": one.version,
            "class": one.target,
            "usable": one.usable,
            "reason": one.reason,
            "capabilities": one.capabilities,
        }
        for one in drivers
    ]
    said = {"version": _VERSION, "selected": selected, "drivers": listed}
    return json.dumps(said, indent=2)


def _as_text(drivers: list[probe.Found], selected: dict[str, Any]) -> str:
    lines = [line for one in drivers for line in _about(one)]
    lines.append(
        f"Selected here: {selected['name']}, by {selected['by']}: {selected['origin']}"
    )
    if not selected["usable"]:
        lines.append(f"It cannot be used: {selected['reason']}")
    return "\n".join(lines)


def _about(driver: probe.Found) -> list[str]:
    origin = f"{driver.distribution or 'a package of its own'} {driver.version or ''}"
    lines = [f"{driver.name}: {origin.strip()}, {driver.target}"]
    if driver.reason is not None:
        lines.append(f"  not usable: {driver.reason}")
    if driver.capabilities is not None:
        can = [name for name, has in driver.capabilities.items() if has]
        cannot = [name for name, has in driver.capabilities.items() if not has]
        lines.append(f"  usable; can: {', '.join(can) or 'nothing of it'}")
        lines += [f"  cannot: {', '.join(cannot)}"] if cannot else []
    return [*lines, ""]
