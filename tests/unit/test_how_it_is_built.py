# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The page "How it is built" says what the imports and the docstrings say."""

import ast
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "doc" / "source" / "how-it-is-built.rst"

# ``Name`` in ``path``, over the end of a line, too.
DEFINED = re.compile(r"``(\w+)``\s+in\s+``([\w/]+\.py)``")


@pytest.fixture
def program(importable: Callable[[Path], None]) -> ModuleType:
    importable(ROOT / "tools")
    return importlib.import_module("draw_floors")


def test_it_is_what_the_program_writes(program: ModuleType) -> None:
    text = PAGE.read_text()

    assert text == program.updated(text), "run .venv/bin/python tools/draw_floors.py"


def test_every_room_is_in_the_picture_and_says_what_it_is_for(
    program: ModuleType,
) -> None:
    text = PAGE.read_text()
    floors = map(program.rooms_on, program.FLOORS)
    rooms = {room for floor in floors for room in floor}

    assert rooms >= {"service", "groups", "supervisor", "backend.base", "opts"}
    for room in rooms:
        assert f"\n    | {room} " in text
        path = room.replace(".", "/")
        assert re.search(rf"\n``{path}(/|\.py)``\n    \S", text)


def test_the_words_are_those_of_the_code() -> None:
    found = DEFINED.findall(PAGE.read_text())

    assert len(found) > 10
    for name, path in found:
        tree = ast.parse((ROOT / "oslo_service" / path).read_text())
        assert name in {getattr(node, "name", "") for node in tree.body}, path
