# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The file and the line in which an option is set."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service._common.option_locations import location_of

SERVICE = """\
[DEFAULT]
backend = no

[oslo_service]
# backend = commented
other = 1
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="ascii")
        return path

    return write


def read(*arguments: object, **defaults: list[str]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("backend"), group="oslo_service")
    conf(list(map(str, arguments)), **{"default_config_files": [], **defaults})
    return conf


def place(conf: cfg.ConfigOpts) -> str | None:
    return location_of(conf, "oslo_service", "backend", conf.oslo_service.backend)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("backend = x\n", 7, id="plain"),
        pytest.param("backend = x", 7, id="at an end without a line's end"),
        pytest.param("backend = x\n\n", 7, id="before an empty line"),
        pytest.param("backend = x\nz = 1\n", 7, id="before another"),
        pytest.param(
            "z = 1\n more\n and more\nbackend = x\n", 10, id="after a long one"
        ),
        pytest.param("backend : 'x'\n", 7, id="with a colon, and quoted"),
        pytest.param("backend = y\nbackend = x\n", 8, id="the last of two"),
        pytest.param("[OSLO_SERVICE]\nbackend = x\n", 8, id="in capitals"),
        pytest.param("[z]\nbackend = x\n[oslo_service]\nbackend = x\n", 10, id="twice"),
        pytest.param("backend = x\n[z]\nbackend = x\n", 7, id="and in another group"),
        pytest.param("backend =\n  x\n", 7, id="on the next line"),
    ],
)
def test_the_line_is_the_one_that_counts(write, text: str, line: int) -> None:
    path = write("a.conf", SERVICE + text)
    assert place(read("--config-file", path)) == f"{path}, line {line}"


def test_of_several_files_it_is_the_last(write) -> None:
    first = write("a.conf", "[oslo_service]\nbackend = x\n")
    second = write("b.conf", "[oslo_service]\n\nbackend = x\n")
    third = write("c.conf", "[oslo_service]\nother = x\n")
    conf = read(*(f"--config-file={one}" for one in (first, second, third)))
    assert place(conf) == f"{second}, line 3"


def test_files_of_a_folder_are_looked_through(write) -> None:
    file = write("a.conf", "[oslo_service]\nbackend = y\n")
    write("more/1.conf", "[oslo_service]\nbackend = z\n")
    last = write("more/2.conf", "[oslo_service]\n\nbackend = x\n")
    write("more/3.not", "[oslo_service]\nbackend = w\n")
    conf = read("--config-file", file, "--config-dir", last.parent)
    assert place(conf) == f"{last}, line 3"


def test_so_they_are_where_they_are_a_project_s(write) -> None:
    last = write("more/2.conf", "[oslo_service]\nbackend = x\n")
    conf = read(default_config_dirs=[str(last.parent)])
    assert place(conf) == f"{last}, line 2"


def test_of_a_folder_before_a_file_the_value_tells(write) -> None:
    first = write("more/1.conf", "[oslo_service]\nbackend = y\n")
    file = write("a.conf", "[oslo_service]\n\nbackend = x\n")
    conf = read("--config-dir", first.parent, "--config-file", file)
    assert place(conf) == f"{file}, line 3"


def test_a_file_that_has_changed_names_no_line(write) -> None:
    path = write("a.conf", "[oslo_service]\nbackend = x\n")
    conf = read("--config-file", path)
    path.write_text("[oslo_service]\nbackend = y\n", encoding="ascii")
    assert place(conf) is None
    path.write_text("nothing that can be read", encoding="ascii")
    assert place(conf) is None
    path.unlink()
    assert place(conf) is None


def test_any_value_will_do_where_none_is_given(write) -> None:
    path = write("a.conf", "[oslo_service]\nsome-thing = y\n")
    conf = read("--config-file", path)
    assert location_of(conf, "oslo_service", "some_thing") == f"{path}, line 2"


def test_a_pipe_is_not_read_again(write) -> None:
    # As bash names one for --config-file <(program).
    out, into = os.pipe()
    os.write(into, b"[oslo_service]\nbackend = x\n")
    os.close(into)
    try:
        assert place(read("--config-file", f"/dev/fd/{out}")) is None
    finally:
        os.close(out)
