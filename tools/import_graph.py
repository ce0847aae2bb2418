# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Check which module of the library imports which: no circle, and never upwards.

Counts every import: also those inside functions, and those for the type checker
alone. ``from package import module`` is an import of the module.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "oslo_service"

# What each module imports, by names inside the package; its own is empty.
Graph = dict[str, set[str]]

# From a floor, what may be imported besides what is on the same floor. Nothing
# imports a driver: drivers are found by their entry points.
BELOW = {
    "facade": ("supervisor", "interface", "ground"),
    "supervisor": ("interface", "ground"),
    "drivers": ("interface", "ground"),
    "interface": ("ground",),
    "ground": (),
}

# The floor of each room: of a module, or of a package and what is in it, but for
# what is a room of its own.
ROOMS = {
    "": "ground",
    "__main__": "facade",
    # What users import.
    "cluster": "facade",
    "events": "facade",
    "eventlet_backdoor": "facade",
    "fixture": "facade",
    "loopingcall": "facade",
    "opts": "ground",
    "periodic_task": "facade",
    "service": "facade",
    "sslutils": "facade",
    "systemd": "facade",
    "threadgroup": "facade",
    "work": "facade",
    "version": "facade",
    "wsgi": "facade",
    # Names that others import.
    "_i18n": "facade",
    "_multiprocessing": "facade",
    "_options": "facade",
    # What the public modules need.
    "admin": "facade",
    "applications": "facade",
    "backdoor": "facade",
    "clustering": "facade",
    "commands": "facade",
    "groups": "facade",
    "http": "facade",
    "health": "facade",
    "launchers": "facade",
    "monitoring": "facade",
    "loops": "facade",
    "periodic": "facade",
    "serving": "facade",
    "testing": "facade",
    # Old names for what is in the facade, so they are a part of that, although
    # some of the paths lie beside the drivers.
    "backend._common": "facade",
    "backend._eventlet": "facade",
    "backend._threading": "facade",
    "compat": "facade",
    # The selection, which is what else there is in the package, the sockets and
    # the supervisor ask each other.
    "backend": "supervisor",
    "sockets": "supervisor",
    "supervisor": "supervisor",
    # The driver interface, and what most drivers are made of.
    "backend.base": "interface",
    "backend._end_of_thread": "interface",
    "backend._executor": "interface",
    "backend._executor_calls": "interface",
    "backend._forks": "interface",
    "backend._greenlets": "interface",
    "backend._http_server": "interface",
    "backend._lock_event": "interface",
    "backend._poll": "interface",
    "backend._primitives": "interface",
    "backend._semaphore": "interface",
    "backend._task": "interface",
    "backend._waiter_event": "interface",
    "backend.eventlet": "drivers",
    "backend.threading": "drivers",
    "backend.exceptions": "ground",
    # Names, and where they live: they import nothing before they are asked.
    "compat.attributes": "ground",
    "compat.components": "ground",
    "_common": "ground",
}


def main() -> int:
    """Report what should not be; return the exit status."""
    graph = read()
    faults = [
        *(f"{one}: no such room is known" for one in unknown(graph)),
        *(f"{one} -> {other}: goes up a floor" for one, other in upward(graph)),
        *(f"a circle: {', '.join(circle)}" for circle in circles(graph)),
    ]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def read(package: Path = PACKAGE) -> Graph:
    """Return the import graph of a package."""
    paths = {name_of(path, package): path for path in package.rglob("*.py")}
    return {
        name: set(imports(ast.parse(path.read_bytes()), package.name, paths)) - {name}
        for name, path in sorted(paths.items())
    }


def name_of(path: Path, package: Path) -> str:
    """Return the name of a module inside its package."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, package: str, modules: Iterable[str]) -> Iterator[str]:
    """Return which of the modules of a package another imports, anywhere in it."""
    known = {f"{package}.{name}".removesuffix("."): name for name in modules}
    for node in ast.walk(tree):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [(one.name,) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(
                    f"line {node.lineno}: write the whole name of a module"
                )
            names = [
                (f"{node.module}.{one.name}", f"{node.module}") for one in node.names
            ]
        for candidates in names:
            yield from [known[name] for name in candidates if name in known][:1]


def room_of(module: str) -> str | None:
    """Return the room that a module is in; None where none is known."""
    while module not in ROOMS and "." in module:
        module = module.rpartition(".")[0]
    return module if module in ROOMS else None


def unknown(graph: Graph) -> list[str]:
    """Return the modules that are in no room, and the rooms that have no module."""
    rooms = {room_of(module) for module in graph}
    return [
        *(module for module in graph if room_of(module) is None),
        *(room for room in ROOMS if room not in rooms),
    ]


def upward(graph: Graph) -> list[tuple[str, str]]:
    """Return the imports that go up a floor, or to a driver."""
    floors = {module: ROOMS.get(f"{room_of(module)}", "") for module in graph}
    return [
        (one, other)
        for one, others in graph.items()
        for other in sorted(others)
        if floors[one] != floors[other]
        and floors[other] not in BELOW.get(floors[one], ())
    ]


def circles(graph: Graph) -> list[list[str]]:
    """Return the modules that import each other, directly or not, by circle."""
    reached = {module: reachable(graph, module) for module in graph}
    found = {
        tuple(sorted(other for other in others if module in reached[other]))
        for module, others in reached.items()
        if module in others
    }
    return sorted(map(list, found))


def reachable(graph: Graph, start: str) -> set[str]:
    """Return what a module imports, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


if __name__ == "__main__":
    sys.exit(main())
