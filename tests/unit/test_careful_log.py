# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A log whose failure is not that of who writes to it."""

import logging
import signal
from collections.abc import Iterator

import pytest

from oslo_service._common.careful_log import CarefulLog

LOG = CarefulLog("tests.careful")


class Failing(logging.Handler):
    """Raises what it was given."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise self.error


@pytest.fixture
def fail() -> Iterator[list[logging.Handler]]:
    """Return where to put handlers that fail."""
    handlers: list[logging.Handler] = []
    logger = logging.getLogger("tests.careful")
    logger.handlers, kept = handlers, logger.handlers
    yield handlers
    logger.handlers = kept


def test_a_line_says_where_it_was_written(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    LOG.info("one")
    LOG.log(logging.DEBUG, "another")
    here = {(one.module, one.funcName) for one in caplog.records}
    assert here == {("test_careful_log", "test_a_line_says_where_it_was_written")}


@pytest.mark.parametrize("error", [ValueError("full"), SystemExit(3), GeneratorExit()])
def test_what_a_handler_raises_is_shown_and_no_more(fail, capsys, error) -> None:
    fail.append(Failing(error))
    LOG.warning("lost")
    assert type(error).__name__ in capsys.readouterr().err


def test_it_is_not_shown_where_logging_is_not_to_show_it(
    fail, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    fail.append(Failing(ValueError("full")))
    LOG.warning("lost")
    assert capsys.readouterr().err == ""


def test_it_is_not_shown_where_there_is_nowhere_to(fail, monkeypatch) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise OSError(text)

    monkeypatch.setattr("sys.stderr", Closed())
    fail.append(Failing(ValueError("full")))
    LOG.warning("lost")


def test_ctrl_c_raises_nothing_where_sigint_is_handled_otherwise(fail, capsys) -> None:
    fail.append(Failing(KeyboardInterrupt()))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        LOG.warning("lost")
    finally:
        signal.signal(signal.SIGINT, before)
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_what_ends_the_program_passes(fail) -> None:
    fail.append(Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        LOG.warning("lost")
