# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Write what the imports say into the page "How it is built" of the documentation.

The picture of the floors, and what each room is for: the first sentence of its
docstring. A test compares the page with what this would write.
"""

import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import import_graph

PAGE = Path(__file__).resolve().parent.parent / "doc/source/how-it-is-built.rst"
BEGIN = ".. What follows is written by tools/draw_floors.py.\n"
END = ".. Up to here.\n"

FLOORS = {
    "facade": "Facade: what users import, and the policy behind it.",
    "supervisor": "Supervisor: processes and signals, and what was selected.",
    "drivers": "Drivers: mechanism, found by entry point, imported by nothing.",
    "interface": "Interface: what a driver is, and what most are made of.",
    "ground": "Ground: what every layer uses.",
}
_WIDTH = 76
_NAME = 20


def main() -> int:
    """Write the page; return the exit status."""
    PAGE.write_text(updated(PAGE.read_text()))
    return 0


def updated(text: str) -> str:
    """Return the text of the page, with what the imports say now."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    graph = import_graph.read()
    parts = [BEGIN, picture(graph), *map(rooms_of, FLOORS), END]
    return before + "\n".join(parts) + after


def shown(room: str) -> str:
    """Return the room as which another is shown."""
    floor = import_graph.ROOMS[room]
    if room.startswith("backend._"):
        return "backend.base" if floor == "interface" else "compat"
    return room


def arrows(graph: import_graph.Graph) -> dict[str, set[str]]:
    """Return which rooms the modules of each room import."""
    found: dict[str, set[str]] = {}
    for module, imported in graph.items():
        room = shown(f"{import_graph.room_of(module)}")
        others = {shown(f"{import_graph.room_of(one)}") for one in imported}
        found.setdefault(room, set()).update(others - {room})
    return found


def picture(graph: import_graph.Graph) -> str:
    """Return the floors from the top down, with what each room imports."""
    found = arrows(graph)
    lines = [".. code-block:: text", ""]
    rule = f"    +{'-' * (_WIDTH + 2)}+"
    for floor, title in FLOORS.items():
        lines += [rule, f"    | {title:<{_WIDTH}} |", rule]
        for room in rooms_on(floor):
            lines += [f"    | {line:<{_WIDTH}} |" for line in drawn(room, found[room])]
    return "\n".join([*lines, rule, ""])


def drawn(room: str, others: set[str]) -> list[str]:
    """Return the lines of a room, and its arrows."""
    indent = " " * (_NAME + 4)
    if not others:
        return [room]
    return textwrap.wrap(
        ", ".join(sorted(others)),
        _WIDTH,
        initial_indent=f"{room:<{_NAME}} -> ",
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def rooms_on(floor: str) -> list[str]:
    """Return the rooms of a floor that are shown."""
    return sorted(
        room
        for room, its in import_graph.ROOMS.items()
        if its == floor and room and room == shown(room)
    )


def rooms_of(floor: str) -> str:
    """Return what each room of a floor is for."""
    lines = [floor.capitalize(), "~" * len(floor), ""]
    for room in rooms_on(floor):
        lines += described(room)
    return "\n".join([*lines, ""])


def described(room: str) -> Iterator[str]:
    """Return an entry for a room, and for the rooms that it is divided into."""
    for path in files_of(room):
        name = import_graph.name_of(path, import_graph.PACKAGE).replace(".", "/")
        kind = "/" if path.stem == "__init__" else ".py"
        yield f"``{name}{kind}``"
        yield textwrap.indent(textwrap.fill(purpose(path), _WIDTH), "    ")


def files_of(room: str) -> list[Path]:
    """Return the files whose docstrings say what a room, and its parts, are for."""
    path = import_graph.PACKAGE.joinpath(*room.split("."))
    if not path.is_dir():
        return [path.with_suffix(".py")]
    parts = sorted(path.glob("*/__init__.py"))
    own = [one for one in parts if room_name(one) not in import_graph.ROOMS]
    return [path / "__init__.py", *own]


def room_name(path: Path) -> str:
    """Return the name of a room by the path of its file."""
    return import_graph.name_of(path, import_graph.PACKAGE)


def purpose(path: Path) -> str:
    """Return the first sentence of the docstring of a module."""
    text = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    return " ".join(text.partition("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main())
