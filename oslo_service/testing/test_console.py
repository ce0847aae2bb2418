# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what one can do in the console of the back door."""

import pstats
import re
import time
from collections.abc import Iterator

import pytest

from oslo_service.testing import _drivers
from oslo_service.testing.console_client import ConsoleClient, with_back_door
from oslo_service.testing.live import WEB, Live
from oslo_service.testing.waiting import LIMIT

# Has a console wait until the program's thread has computed some times more.
SOME_TURNS = (
    "exec('import __main__ as main, time\\n"
    "end = main.turns + 20\\n"
    "while main.turns < end: time.sleep(0.001)')"
)


# A thread of the program that is looked at blocks in the standard library.
pytestmark = [
    pytest.mark.needs_capability("blocking_calls"),
    pytest.mark.starts_processes,
]


def all_have_begun(shown: str) -> bool:
    """Whether six loops are shown; one of them pauses first, one call does not end."""
    return shown.endswith("\n6 looping calls\n") and shown.count("ended not yet") == 2


class Entered:
    """A program, and the way into it."""

    def __init__(self, program: Live) -> None:
        self.program = program
        self.port = program.expect("started")[0]["backdoor"]
        program.expect("waiting")

    def enter(self) -> ConsoleClient:
        """Enter once more."""
        return ConsoleClient.inside(self.port)


@pytest.fixture
def entered(driver_name: str, tmp_path) -> Iterator[Entered]:
    """A single process with a back door; it must end in order."""
    traits = ["timers", "stubborn thread", "spinning thread"]
    with with_back_door(
        driver_name, tmp_path, "backdoor_port", 0, traits=traits
    ) as program:
        yield Entered(program)
        assert program.end() == 0


class TestPython:
    """It is a Python console, for one client alone."""

    def test_it_shows_values_and_remembers_the_last_one(self, entered) -> None:
        with entered.enter() as client:
            assert client.ask("1 + 1") == "2\n"
            assert client.ask("_ * 21") == "42\n"
            assert client.ask("None") == ""
            assert client.ask("x = 5; x; x + 1") == "5\n6\n"
            assert client.ask("'%s' % '\u00e4\u20ac'") == "'\u00e4\u20ac'\n"

    def test_blocks_end_with_an_empty_line(self, entered) -> None:
        with entered.enter() as client:
            assert client.ask("for i in range(3):", "    i", "") == "0\n1\n2\n"
            assert client.ask("def f(a):", "    a", "    return a + 1", "") == ""
            assert client.ask("class C:", "    1", "    b = f(1)", "") == ""
            assert client.ask("f(C.b)") == "3\n"
            assert client.ask("(1,", "2)") == "(1, 2)\n"

    def test_it_prints_to_its_client_and_to_nobody_else(self, entered) -> None:
        with entered.enter() as one, entered.enter() as another:
            assert one.ask("print('mine', 1, sep='-')") == "mine-1\n"
            assert another.ask("print('yours')") == "yours\n"
            assert one.ask("mine = 1") == ""
            assert "NameError" in another.ask("mine")
            assert one.ask("import sys; sys.stdout is sys.__stdout__") == "True\n"
            assert one.ask("sys.displayhook is sys.__displayhook__") == "True\n"
            assert one.ask("hasattr(sys, 'ps1')") == "False\n"
            seen = entered.program.transcript
        assert "mine" not in seen
        assert "yours" not in seen

    def test_print_goes_where_it_is_told_to(self, entered) -> None:
        with entered.enter() as client:
            assert client.ask("import sys") == ""
            assert client.ask("print('to all', file=sys.stdout, flush=True)") == ""
            entered.program.expect_text("to all")

    def test_input_asks_the_client(self, entered) -> None:
        with entered.enter() as client:
            assert client.ask("name = input('Who? ')", "me") == "Who? "
            assert client.ask("name") == "'me'\n"

    def test_errors_are_shown_and_it_goes_on(self, entered) -> None:
        with entered.enter() as client:
            shown = client.ask("1 / 0")
            assert shown.startswith("Traceback (most recent call last):\n")
            assert shown.endswith("ZeroDivisionError: division by zero\n")
            assert "oslo_service" not in shown
            assert "SyntaxError" in client.ask("def (")
            assert "KeyboardInterrupt" in client.ask("raise KeyboardInterrupt")
            assert "Error" in client.ask("(" * 5000 + ")" * 5000)
            assert "Error" in client.ask("x = 1\0")
            client.ask("def f(): return f()", "")
            assert "RecursionError" in client.ask("f()")
            assert client.ask("'well'") == "'well'\n"
        assert "Traceback" not in entered.program.transcript

    @pytest.mark.parametrize(
        "farewell",
        ["exit()", "quit()", "raise SystemExit(3)", "import sys; sys.exit()", "\x04"],
    )
    def test_there_are_ways_out_and_the_process_goes_on(
        self, entered, farewell: str
    ) -> None:
        with entered.enter() as client:
            client.send(farewell)
            assert client.ended()
        with entered.enter() as client:
            assert client.ask("1") == "1\n"

    def test_what_is_piped_in_is_run_to_its_end(self, entered) -> None:
        with ConsoleClient(entered.port) as client:
            client.send("print('one')", "print('two')")
            client.socket.shutdown(1)
            seen = client.rest()
        assert b">>> one\n>>> two\n>>> " in seen

    def test_no_client_can_harm_the_process(self, entered) -> None:
        with entered.enter() as client:
            client.socket.sendall(bytes(range(11, 256)) + b"\n\xff\xf4\xff\xfd\x06\n")
            assert "Error" in client.until_prompt()
        entered.enter().reset()
        with entered.enter() as client:
            client.send("while True: print('on and on')", "")
            client.socket.recv(1000)
            client.reset()
        with entered.enter() as endless:
            try:
                for _ in range(40):
                    endless.socket.sendall(b"x" * 65536)
            except ConnectionError:
                pass
            assert endless.ended()
        with entered.enter() as client:
            assert client.ask("1") == "1\n"
        assert "Traceback" not in entered.program.transcript

    def test_a_page_cannot_make_a_browser_run_code(self, entered) -> None:
        with entered.enter() as client:
            client.send("POST / HTTP/1.1\r", "Host: x\r", "\r", "print('ab' * 2)")
            assert b"abab" not in client.rest()
        with entered.enter() as client:
            assert client.ask("1") == "1\n"

    def test_one_that_does_not_read_holds_up_nobody(self, entered) -> None:
        with entered.enter() as lazy:
            lazy.send("print('x' * 100_000_000)")
            with entered.enter() as client:
                assert client.ask("1") == "1\n"
            assert entered.program.end() == 0
            lazy.socket.close()
            entered.program.end = lambda: 0


class TestHelpers:
    """What it offers besides Python."""

    def test_it_says_what_there_is(self, entered) -> None:
        with ConsoleClient(entered.port) as client:
            banner = client.until_prompt()
            for name in ("fo(", "pgt(", "pnt(", "prof(", "loops(", "help(", "exit("):
                assert name in banner
            assert str(entered.program.pid) in banner
            assert "__main__.Daemon" in banner
            assert client.ask("help()") in banner
            assert "Help on built-in function len" in client.ask("help(len)")
            assert client.ask("[type(s).__name__ for s in services]") == "['Daemon']\n"
            assert client.ask("conf.graceful_shutdown_timeout") == "60\n"

    def test_fo_finds_objects_by_class_and_by_name(self, entered) -> None:
        with entered.enter() as client:
            client.ask("from oslo_service import service")
            for what in ("service.Service", "'Service'", "'__main__.Daemon'"):
                assert client.ask(f"fo({what}) == services") == "True\n"
            assert client.ask("fo('NoSuchThing')") == "[]\n"
            assert "fo() takes a class, or the name of one, not 3" in client.ask(
                "fo(3)"
            )
            client.ask("class Liar:", "    __class__ = property(lambda s: 1 / 0)", "")
            client.ask("liar = Liar()")
            assert client.ask("fo(Liar) == [liar]") == "True\n"

    def test_fo_finds_what_was_made_before_the_fork(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", 0, workers=2
        ) as program:
            port = program.expect("started", 2)[0]["backdoor"]
            with ConsoleClient(port) as client:
                assert "a worker of" in client.until_prompt()
                launcher = ": the launcher: waits for"
                assert client.stacks().count(launcher) == 1
                assert client.ask("len(fo('Daemon'))") == "1\n"
                # Those of the parent, which never run here, are not among them.
                assert client.stacks().count(launcher) == 1

    def test_threads_are_shown_with_what_they_are_for(self, entered) -> None:
        with entered.enter() as client:
            shown = client.stacks()
            for text in (
                # It may be late, on a machine that has much to do.
                "Fixed interval looping call builtins.int every 0.01 s",
                "; last run ended ",
                "; a timer of a group (2 of 1000 threads, 1 timers) of __main__.Daemon",
                ": a thread of a group (2 of 1000 threads, 1 timers) of __main__.D",
                "in spin\n",
                ": wait() of the service __main__.Daemon\n",
                ": the launcher: waits for signals, and for what it runs\n",
                ": the back door: accepts clients\n",
                ": a console of the back door\n",
            ):
                assert text in shown
            assert "incarnation = " not in shown
            assert "incarnation = " in client.stacks("simple=False")

    def test_each_command_is_there_on_every_driver(
        self, entered, driver_name: str
    ) -> None:
        with entered.enter() as client:
            green, native = client.ask("pgt()"), client.ask("pnt()")
            assert ": a console of the back door\n" in native
            if _drivers.capabilities(driver_name).parallel:
                none = f"There are none on the driver {driver_name}: see pnt()\n"
                assert green == none
            else:
                assert ": a console of the back door\n" in green

    def test_loops_are_shown_with_interval_last_run_and_lateness(self, entered) -> None:
        with entered.enter() as client:
            client.ask("from oslo_service import loopingcall as lc")
            client.ask("import time")
            client.ask("lc.FixedIntervalLoopingCall(len, '').start(600)")
            client.ask("lc.FixedIntervalLoopingCall(max, 1, 2).start(60, 60)")
            client.ask("lc.DynamicLoopingCall(lambda: 500).start(None, 400)")
            client.ask("lc.FixedIntervalLoopingCall(time.sleep, 600).start(5)")
            client.ask("lc.BackOffLoopingCall(time.asctime).start(None, 300)")
            end = time.monotonic() + LIMIT
            while not all_have_begun(shown := client.ask("loops()")):
                assert time.monotonic() < end, shown
            lines = {
                line.partition(" call ")[2].split()[0]: line
                for line in shown.splitlines()
                if " call " in line
            }
            ended = r" every 600 s; last run ended [\d.]+ s ago, .* due in 5\d\d\."
            assert re.search(ended, lines["builtins.len"])
            assert "last run ended not yet, pauses" in lines["builtins.max"]
            assert " when it says, 400 s at most; " in shown
            assert re.search(r", the next is due in 3\d\d\.", shown)
            assert "every 5 s; last run ended not yet, the first is running" in shown
            assert re.search(r"from 300 s to 300 s; last run ended [\d.]+ s ago", shown)

    def test_prof_shows_where_time_goes_in_all_threads(self, entered, tmp_path) -> None:
        file = tmp_path / "profile"
        with entered.enter() as client:
            assert "prof() stops it" in client.ask("prof()")
            client.ask(SOME_TURNS)
            shown = client.ask(f"prof({str(file)!r})")
            assert " turn " in shown
            assert f"Written to {file}" in shown
        found = pstats.Stats(str(file)).get_stats_profile().func_profiles
        assert found["turn"].cumtime > 0

    def test_a_profile_ends_with_the_console_that_began_it(self, entered) -> None:
        with entered.enter() as client, entered.enter() as other:
            client.ask("prof()")
            client.send("exit()")
            assert client.ended()
            assert "False" in other.ask("import yappi; yappi.is_running()")
            assert "prof() stops it" in other.ask("prof()")
            other.ask(SOME_TURNS)
            assert " turn " in other.ask("prof()")

    def test_tasks_of_a_server_are_called_so(self, driver_name, tmp_path) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_socket", tmp_path / "door", program=WEB
        ) as program:
            program.expect("listening")
            program.expect_text("Backdoor listening")
            with ConsoleClient.inside(str(tmp_path / "door")) as client:
                # They begin on their own, after it listens.
                named = re.compile(r": one of the \d tasks of the server 'web'\n")
                program.until(lambda: named.search(client.stacks()), "they are named")
            assert program.end() == 0
