# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A configuration that is read, tried, and taken up only when it has proved right."""

from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service.supervisor.configuration import Settings


class Configuration:
    """A file, and what a launcher makes of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.write("number = 1", "restart_limit = 1")
        self.conf = cfg.ConfigOpts()
        self.conf.register_opts([cfg.IntOpt("number", mutable=True)])
        self.conf(["--config-file", str(path)])
        self.settings = Settings(self.conf, "rolling")

    def write(self, default: str, ours: str = "") -> None:
        text = f"[DEFAULT]\n{default}\n[oslo_service]\n{ours}\n"
        self._path.write_text(text, encoding="ascii")

    @property
    def values(self) -> tuple[int, float]:
        """What is in force: an option of the program, and one of ours."""
        return self.conf.number, self.settings.limits.restart_limit


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return Configuration(tmp_path / "service.conf")


def test_it_is_in_force_for_a_while_and_at_last_for_good(
    configuration: Configuration,
) -> None:
    settings = configuration.settings
    configuration.write("number = 2", "restart_limit = 2")
    assert settings.read_aside() is None
    assert configuration.values == (1, 1)
    with settings.aside():
        assert configuration.values == (2, 2)
    assert configuration.values == (1, 1)
    settings.adopt()
    assert configuration.values == (2, 2)


def test_it_is_not_read_again_meanwhile(configuration: Configuration) -> None:
    configuration.write("number = 2")
    configuration.settings.read_aside()
    configuration.write("number = 3")
    with configuration.settings.aside():
        assert configuration.conf.number == 2


@pytest.mark.parametrize(
    ("default", "ours", "names"),
    [
        ("number = nonsense", "", "number"),
        ("number = 2", "restart_limit = -1", "restart_limit"),
        ("number = 2", "worker_max_memory = much", "worker_max_memory"),
        ("number", "", ""),
    ],
)
def test_what_is_wrong_with_it_is_found_before_it_is_tried(
    configuration: Configuration, default: str, ours: str, names: str
) -> None:
    configuration.write("number = 2")
    assert configuration.settings.read_aside() is None
    configuration.write(default, ours)
    error = configuration.settings.read_aside()
    assert error is not None
    assert names in str(error)
    assert configuration.values == (1, 1)
    with configuration.settings.aside():
        assert configuration.conf.number == 2, "what was read last is kept"


def test_what_raises_meanwhile_leaves_it_as_it_was(
    configuration: Configuration,
) -> None:
    configuration.write("number = 2")
    configuration.settings.read_aside()
    with pytest.raises(OSError, match="no room"), configuration.settings.aside():
        raise OSError("no room")
    assert configuration.conf.number == 1
