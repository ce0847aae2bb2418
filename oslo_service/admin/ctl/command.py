# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service ctl``."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from oslo_service._common import digits
from oslo_service.admin.ctl import locating, talking

__all__ = ("add_to",)

#: The exit status when the answer is no, or an order could not be carried out.
NO = 1
#: The exit status when there is no answer.
NOBODY = 3

# In seconds: how long to wait for anything; how often to look again.
_PATIENCE = 10.0
_INTERVAL = 2.0
_LONGEST = 86400.0
_CLEAR = "\x1b[H\x1b[2J"
# What is looked at; all others are orders.
_SHOWN = (
    *("status", "work", "stacks", "loops", "events"),
    *("live", "ready", "health"),
)
_HELP = {
    "status": "how every service and worker fares",
    "work": "what is in progress in every process",
    "stacks": "where every thread of every process is",
    "loops": "the looping calls of every process",
    "events": "what has happened, the last thousand events",
    "live": "whether any worker answers",
    "ready": "whether every service has a worker that is ready",
    "health": "what the services say of what they need",
    "resize": "run a service by another number of workers",
    "recycle": "replace workers, one at a time, the successor first",
    "reload": "read the configuration again, as SIGHUP does; wait until that is done",
    "stop": "stop in order, as SIGTERM does",
    "log-level": "set the level of a logger, in every process",
}


def add_to(commands: Any) -> None:
    """Make the command known to the parser of the command line."""
    shared = _shared()
    parser: argparse.ArgumentParser = commands.add_parser(
        "ctl",
        parents=[shared],
        help="see what a running service does, and act on it",
        description="See what a running service does, and act on it, through its"
        " control socket ([oslo_service] admin_socket).",
        epilog="Exit status: 0: it is so, or is done; 1: it is not so, or could not"
        " be done (not ready, not live, failing, a reload that failed); 2: the command"
        " line is wrong, or the configuration does not say where the socket is; 3:"
        " nobody answers there.",
    )
    orders = parser.add_subparsers(metavar="WHAT", required=True, dest="order")
    for name, words in _HELP.items():
        one = orders.add_parser(name, parents=[shared], help=words, description=words)
        _add_arguments(name, one)
    parser.set_defaults(run=_run, parser=parser)


def _shared() -> argparse.ArgumentParser:
    """Return what may stand before the order, and after it."""
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help="the control socket; else the configuration says where it is",
    )
    for option, what in (
        ("--config-file", "a configuration file of the service"),
        ("--config-dir", "a folder of such files"),
    ):
        parser.add_argument(
            option,
            action=_Source,
            dest="sources",
            metavar="PATH",
            help=f"{what}; may be given more than once",
        )
    parser.add_argument(
        "--project",
        metavar="NAME",
        help="look for the configuration files of this project where none is given",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="show it again every two seconds; of events, show them as they come",
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        metavar="SECONDS",
        help="show it again that often",
    )
    return parser


def _seconds(text: str) -> float:
    """Return how long to wait before looking again."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < _LONGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds: more than 0, less than {_LONGEST:g}"
        )
    return seconds


def _workers(text: str) -> int:
    """Return how many workers there are to be."""
    number = digits.read(text)
    if not number:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of workers: a whole number, 1 or more"
        )
    return number


class _Source(argparse.Action):
    """Keeps ``--config-file`` and ``--config-dir`` in their order."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse hands it over
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add one to those that are there."""
        sources = getattr(namespace, self.dest, [])
        setattr(namespace, self.dest, [*sources, (option_string, values)])


def _add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    if name == "resize":
        parser.add_argument("workers", type=_workers, help="how many, 1 or more")
    if name == "log-level":
        parser.add_argument("level", help="DEBUG, INFO, WARNING, ERROR or CRITICAL")
        parser.add_argument("--logger", help="which one (the root)")
    if name in ("resize", "recycle"):
        parser.add_argument("--service", help="which, as 'ctl status' calls it")
    if name == "recycle":
        parser.add_argument("--worker", type=int, metavar="SLOT", help="only this one")
    if name == "reload":
        parser.add_argument(
            "--no-wait", action="store_true", help="return at once: it is ordered"
        )


def _run(arguments: argparse.Namespace) -> tuple[int, str]:
    options = vars(arguments)
    parser: argparse.ArgumentParser = arguments.parser
    path, order = options.get("socket"), arguments.order
    if order not in _SHOWN and {"watch", "interval"} & options.keys():
        parser.error(f"{order} is done once: --watch is for {', '.join(_SHOWN)}")
    try:
        if path is None:
            path = locating.find(options.get("sources", []), options.get("project"))
        return _do(path, arguments)
    except locating.NotFound as exc:
        parser.error(str(exc))
    except talking.Unanswered as exc:
        sys.stderr.write(f"{parser.prog}: error: {exc}\n")
        return NOBODY, ""
    except KeyboardInterrupt:
        return 0, ""  # who has watched has seen enough
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO, ""  # likewise


def _do(path: str, arguments: argparse.Namespace) -> tuple[int, str]:
    order, options = arguments.order, vars(arguments)
    if order not in _SHOWN:
        return _act(path, arguments)
    if not {"watch", "interval"} & options.keys():
        return _look(path, order, as_json=options.get("json", False))
    if order == "events":
        return _follow(path, as_json=options.get("json", False))
    while True:
        text = _look(path, order, as_json=options.get("json", False))[1]
        redraw = _CLEAR if sys.stdout.isatty() else ""
        sys.stdout.write(f"{redraw}{text}\n")
        sys.stdout.flush()
        time.sleep(options.get("interval", _INTERVAL))


# Looking


def _look(path: str, what: str, *, as_json: bool) -> tuple[int, str]:
    response = talking.ask(path, "GET", f"/{what}", patience=_PATIENCE)
    status = 0 if response.good else NO
    if as_json:
        return status, json.dumps(response.value, indent=2)
    probes = what in ("live", "ready", "health")
    if "error" in response.value or not (response.good or probes):
        return _refused(response)
    return status, "\n".join(_lines(_said if probes else _shown, what, response))


def _lines(
    show: Callable[[str, dict[str, Any]], Iterable[str]],
    what: str,
    response: talking.Response,
) -> list[str]:
    """Return the text to print of a response.

    :raises talking.Unanswered: it is not what was asked for.
    """
    found = response.value
    try:
        return list(show(what, found))
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise response.strange() from exc


def _shown(what: str, found: Any) -> list[str]:
    # Not earlier: probes have no use for it.
    from oslo_service.admin.ctl import tables

    if what == "events":
        return tables.events(found["events"])
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    show: Callable[[Any, tables.Style], list[str]] = getattr(tables, what)
    return show(found, tables.Style(colours=colours))


def _said(what: str, found: dict[str, Any]) -> Iterator[str]:
    """Return what a probe is answered, in words."""
    good = found["status"] in ("pass", "warn")
    word = what if good else f"not {what}"
    first = found["status"] if what == "health" else word
    yield f"{first}: {found['output']}" if found.get("output") else first
    for name, checks in found.get("checks", {}).items():
        for check in checks:
            whose = f" ({check['componentId']})" if "componentId" in check else ""
            output = f": {check['output']}" if check.get("output") else ""
            yield f"  {name}{whose}: {check['status']}{output}"


def _follow(path: str, *, as_json: bool) -> tuple[int, str]:
    for event in talking.follow(path, "/events?follow&since=0", _PATIENCE):
        text = (
            json.dumps(event)
            if as_json
            else "\n".join(_shown("events", {"events": [event]}))
        )
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    return 0, ""


# Acting


def _act(path: str, arguments: argparse.Namespace) -> tuple[int, str]:
    order, body = arguments.order, _body(arguments)
    target = "/workers" if order == "resize" else f"/{order}"
    # A reload takes as long as it takes.
    patience = None if order == "reload" else _PATIENCE
    response = talking.ask(path, "POST", target, body, patience)
    if vars(arguments).get("json"):
        return (0 if response.good else NO), json.dumps(response.value, indent=2)
    if not response.good:
        return _refused(response)
    return 0, response.value.get("said", "done")


def _body(arguments: argparse.Namespace) -> dict[str, Any]:
    options = vars(arguments)
    names = ("workers", "service", "worker", "level", "logger")
    body = {name: options[name] for name in names if options.get(name) is not None}
    if options.get("no_wait"):
        body["wait"] = False
    return body


def _refused(response: talking.Response) -> tuple[int, str]:
    sys.stderr.write(f"ctl: {response.value.get('error', response.text)}\n")
    return NO, ""
