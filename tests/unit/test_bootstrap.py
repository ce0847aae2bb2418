# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""bootstrap(): the first line of a program, in place of a monkey-patch."""

from pathlib import Path

import pytest

from oslo_service.testing.waiting import run_script

SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
from oslo_service import backend
driver = backend.bootstrap({arguments})
import socket
patcher = sys.modules.get("eventlet.patcher")
patched = bool(patcher and patcher.is_monkey_patched("socket"))
assert driver is backend.get_backend()
print(driver.name, "patched" if patched else "native", "eventlet" in sys.modules)
"""
EVENTLET = "eventlet patched True\n"
THREADING = "threading native False\n"


def bootstrap(*argv: str, arguments: str = "", **env: str) -> str:
    result = run_script(SCRIPT.format(arguments=arguments), *argv, env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A configuration file that says eventlet."""
    path = tmp_path / "my.conf"
    path.write_text("[oslo_service]\nbackend = eventlet\n[other]\nkey = value\n")
    return str(path)


class TestWhereItLooks:
    def test_in_a_plain_process_threading_is_selected_and_eventlet_not_loaded(
        self,
    ) -> None:
        assert bootstrap() == THREADING

    def test_config_file_on_the_command_line(self, file: str) -> None:
        assert bootstrap("--config-file", file) == EVENTLET
        assert bootstrap(f"--config-file={file}") == EVENTLET

    def test_config_dir_on_the_command_line(self, file: str) -> None:
        folder = str(Path(file).parent)

        assert bootstrap("--config-dir", folder) == EVENTLET
        assert bootstrap(f"--config-dir={folder}") == EVENTLET

    def test_the_last_of_several_files_wins(self, file: str, tmp_path: Path) -> None:
        last = tmp_path / "last.conf"
        last.write_text("[oslo_service]\nbackend = threading\n")

        said = bootstrap("--config-file", file, "--config-file", str(last))

        assert said == THREADING

    def test_the_environment(self) -> None:
        assert bootstrap(OS_OSLO_SERVICE__BACKEND="eventlet") == EVENTLET
        assert bootstrap(OS_OSLO_SERVICE__BACKEND="threading") == THREADING

    def test_the_environment_goes_before_a_file(self, file: str) -> None:
        said = bootstrap("--config-file", file, OS_OSLO_SERVICE__BACKEND="threading")

        assert said == THREADING

    def test_the_files_it_is_given(self, file: str) -> None:
        assert bootstrap(arguments=f"default_config_files=[{file!r}]") == EVENTLET

    def test_the_command_line_goes_before_the_files_it_is_given(
        self, file: str, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.conf"
        other.write_text("[oslo_service]\nbackend = threading\n")

        said = bootstrap(
            "--config-file",
            str(other),
            arguments=f"default_config_files=[{file!r}]",
        )

        assert said == THREADING

    def test_the_files_of_a_project(self, file: str, tmp_path: Path) -> None:
        home = tmp_path / "home"
        (home / ".myproject").mkdir(parents=True)
        Path(file).rename(home / ".myproject" / "myproject.conf")

        assert bootstrap(arguments="project='myproject'", HOME=str(home)) == EVENTLET

    def test_the_command_line_it_is_given(self, file: str) -> None:
        assert bootstrap(arguments=f"argv=['--config-file', {file!r}]") == EVENTLET

    def test_unknown_arguments_are_not_its_business(self, file: str) -> None:
        said = bootstrap(
            "--verbose",
            "command",
            "--port",
            "80",
            "--config-file",
            file,
            "--help",
            "-x",
            "--config-files",
            "--",
            "--config-file",
            "/does/not/exist",
        )

        assert said == EVENTLET

    def test_code_that_spoke_before_goes_before_the_option(self, file: str) -> None:
        result = run_script(
            "from oslo_service import backend\n"
            "backend.init_backend('threading')\n"
            "print(backend.bootstrap().name)\n",
            "--config-file",
            file,
        )

        assert result.stdout == "threading\n", result.stderr


class TestErrors:
    def test_a_file_that_is_missing_is_an_error_that_names_it(self) -> None:
        result = run_script(
            SCRIPT.format(arguments=""), "--config-file", "/does/not/exist"
        )

        assert result.returncode != 0
        assert "/does/not/exist" in result.stderr

    def test_an_unknown_driver_lists_the_installed(self) -> None:
        result = run_script(
            SCRIPT.format(arguments=""), env={"OS_OSLO_SERVICE__BACKEND": "nonsense"}
        )

        assert result.returncode != 0
        assert "installed are: eventlet, " in result.stderr


class TestPatched:
    def test_the_original_modules_are_given_in_a_patched_process(self) -> None:
        result = run_script(
            "import time, os\n"
            "from oslo_service import backend\n"
            "driver = backend.bootstrap()\n"
            "import time, os\n"
            "builtin = type(len)\n"
            "for name, function in (('time', 'sleep'), ('os', 'read')):\n"
            "    patched = getattr(globals()[name], function)\n"
            "    assert not isinstance(patched, builtin), name\n"
            "    original = getattr(driver.original(name), function)\n"
            "    assert isinstance(original, builtin), name\n"
            "assert driver.original('select').poll\n"
            "assert driver.original('json').dumps([]) == '[]'\n"
            "print('as before')\n",
            env={"OS_OSLO_SERVICE__BACKEND": "eventlet"},
        )

        assert result.stdout == "as before\n", result.stderr

    def test_a_launcher_has_nothing_to_warn_of_after_it(self, file: str) -> None:
        result = run_script(
            "import warnings\n"
            "warnings.simplefilter('ignore')\n"
            "from oslo_service import backend\n"
            "backend.bootstrap()\n"
            "import logging, sys\n"
            "logging.basicConfig()\n"
            "from oslo_config import cfg\n"
            "from oslo_service import service\n"
            "conf = cfg.ConfigOpts()\n"
            "conf(sys.argv[1:])\n"
            "service.ServiceLauncher(conf)\n",
            "--config-file",
            file,
        )

        assert (result.returncode, result.stderr) == (0, "")
