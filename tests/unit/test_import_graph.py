# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The imports of the library have no circle, and go down."""

import functools
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[2] / "tools" / "import_graph.py"

Graph = dict[str, set[str]]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(PROGRAM.stem, PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


program = load()


@functools.cache
def library() -> Graph:
    graph: Graph = program.read()
    return graph


class TestLibrary:
    @pytest.fixture
    def graph(self) -> Graph:
        return library()

    def test_every_module_is_in_a_room_that_has_a_floor(self, graph: Graph) -> None:
        assert program.unknown(graph) == []

    def test_no_import_goes_up_a_floor(self, graph: Graph) -> None:
        assert program.upward(graph) == []

    def test_no_modules_import_each_other_in_a_circle(self, graph: Graph) -> None:
        assert program.circles(graph) == []


class TestReading:
    @pytest.fixture
    def package(self, tmp_path: Path) -> Path:
        package = tmp_path / "house"
        (package / "cellar").mkdir(parents=True)
        for name in ("__init__.py", "roof.py", "cellar/__init__.py", "cellar/coal.py"):
            (package / name).write_text("")
        return package

    @pytest.mark.parametrize(
        "text",
        [
            "import house.cellar.coal",
            "from house.cellar import coal",
            "from house.cellar.coal import lump",
            "def f():\n    from house.cellar import coal",
            "if TYPE_CHECKING:\n    from house.cellar import coal",
        ],
    )
    def test_an_import_counts_wherever_and_however_it_is_written(
        self, package: Path, text: str
    ) -> None:
        (package / "roof.py").write_text(text)

        assert program.read(package)["roof"] == {"cellar.coal"}

    def test_a_name_from_a_package_is_an_import_of_the_package(
        self, package: Path
    ) -> None:
        (package / "roof.py").write_text("from house.cellar import light")

        assert program.read(package)["roof"] == {"cellar"}

    def test_what_is_outside_does_not_count(self, package: Path) -> None:
        (package / "roof.py").write_text("import houses, os\nfrom houses import coal")

        assert program.read(package)["roof"] == set()

    def test_a_relative_import_is_refused(self, package: Path) -> None:
        (package / "roof.py").write_text("from .cellar import coal")

        with pytest.raises(ValueError, match=r"line 1: write the whole name"):
            program.read(package)


class TestJudging:
    def test_each_circle_is_found_once_and_what_leads_to_it_is_not_in_it(self) -> None:
        graph = {
            "a": {"b"},
            "b": {"c"},
            "c": {"b"},
            "d": {"e"},
            "e": {"f"},
            "f": {"d", "c"},
        }

        assert program.circles(graph) == [["b", "c"], ["d", "e", "f"]]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("supervisor.loop", "launchers.services"),
            ("backend.base", "serving.engine"),
            ("backend.threading", "service"),
            ("wsgi", "backend.threading"),
            ("backend.base", "backend.eventlet"),
            ("opts", "backend.base"),
        ],
    )
    def test_an_import_that_goes_up_is_found(self, one: str, other: str) -> None:
        graph: Graph = {one: {other}, other: set()}

        assert program.upward(graph) == [(one, other)]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("service", "supervisor.loop"),
            ("supervisor.loop", "backend.base"),
            ("backend.threading", "backend.base"),
            ("wsgi", "opts"),
            ("supervisor.loop", "backend"),
        ],
    )
    def test_one_that_goes_down_or_stays_is_not(self, one: str, other: str) -> None:
        graph: Graph = {one: {other}, other: set()}

        assert program.upward(graph) == []

    def test_a_module_in_no_room_is_named(self) -> None:
        assert "attic.trunk" in program.unknown({"attic.trunk": set()})

    def test_a_room_that_is_empty_is_named(self) -> None:
        assert "wsgi" in program.unknown({"service": set()})
