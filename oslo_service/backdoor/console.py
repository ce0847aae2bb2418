# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A Python console for one client.

What the client's code prints, and the values of its expressions, go to the
client alone: nothing that others in the process use is replaced, such as
``sys.stdout`` or ``sys.displayhook``.
"""

import ast
import builtins
import code
import pprint
import sys
import traceback
from typing import Any

from oslo_config import cfg

from oslo_service.backdoor import commands
from oslo_service.backdoor.client_stream import ClientStream
from oslo_service.backend.base import Driver

__all__ = ("Console", "converse")

_PROMPT, _MORE = ">>> ", "... "
_DISPLAY = "__display__"


def converse(driver: Driver, conf: cfg.ConfigOpts, socket: Any) -> None:
    """Read lines from a client and run them, until it goes, or says so."""
    stream = ClientStream(driver, socket)
    offered = commands.Commands(driver, conf, stream)
    try:
        Console(stream, offered.namespace()).run(offered.banner())
    except (ConnectionError, EOFError):
        pass
    finally:
        offered.end()


class Console(code.InteractiveInterpreter):
    """Runs what a client types.

    :param namespace: what its code finds, besides the builtins.
    """

    def __init__(self, stream: ClientStream, namespace: dict[str, Any]) -> None:
        # Of this console alone, so that "_" and print() are.
        self._builtins = {**vars(builtins), **self._own_builtins()}
        self._stream = stream
        super().__init__(
            {"__name__": "__console__", "__builtins__": self._builtins, **namespace}
        )

    def run(self, banner: str) -> None:
        """Read and run, until the code ends it.

        :raises EOFError: there is nothing more to read.
        :raises ConnectionError: the client has gone.
        """
        self.write(banner)
        lines: list[str] = []
        try:
            while True:
                lines.append(self._stream.read_line(_MORE if lines else _PROMPT))
                if not self.runsource("\n".join(lines), "<console>"):
                    lines.clear()
        except SystemExit:
            self._stream.flush()

    def runsource(
        self, source: str, filename: str = "<input>", symbol: str = "single"
    ) -> bool:
        """Run a statement; return whether it wants more lines."""
        try:
            if self.compile(source, filename, symbol) is None:
                return True
            tree = ast.parse(source, filename, symbol)
            shown = ast.fix_missing_locations(_Displaying().visit(tree))
            compiled = compile(ast.Module(shown.body, []), filename, "exec")
        except (SyntaxError, ValueError, OverflowError):
            self.showsyntaxerror(filename)
        except (RecursionError, MemoryError):  # too deep for the compiler
            self.showtraceback()
        else:
            self.runcode(compiled)
        return False

    def runcode(self, code: Any) -> None:
        """Run compiled code; what it raises is shown.

        :raises SystemExit: the code ends the console.
        """
        try:
            exec(code, self.locals)  # noqa: S102 - its purpose
        except SystemExit:
            raise
        except (Exception, KeyboardInterrupt):  # noqa: BLE001 - the client sees it
            self._end_if_disconnected()
            self.showtraceback()
        except BaseException:  # such as that somebody kills the task
            self.showtraceback()
            raise

    def _end_if_disconnected(self) -> None:
        if self._stream.disconnected:
            raise ConnectionError("the client has gone")

    # Not by sys.excepthook, which writes to the log in many services, nor with
    # sys.last_value, which keeps alive whatever the frames refer to.

    def showtraceback(self) -> None:
        """Show the exception that is being handled, without the frames of this."""
        error = sys.exception()
        assert error is not None  # noqa: S101 - this is called in an except clause
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        self.write("".join(traceback.format_exception(type(error), error, trace)))

    def showsyntaxerror(self, filename: str | None = None, **_: Any) -> None:  # noqa: ARG002
        """Show why what was typed is no Python."""
        self.write("".join(traceback.format_exception_only(*sys.exc_info()[:2])))

    def write(self, data: str) -> None:
        """Write to the client."""
        self._stream.write(data)

    # What is different in here from elsewhere

    def _own_builtins(self) -> dict[str, Any]:
        return {
            "print": self._print,
            "input": lambda prompt="": self._stream.read_line(str(prompt)),
            _DISPLAY: self._display,
            "exit": _leave,
            "quit": _leave,
        }

    def _print(self, *values: object, file: Any = None, **how: Any) -> None:
        """Print to the client, unless told otherwise."""
        print(*values, file=self._stream if file is None else file, **how)

    def _display(self, value: object) -> None:
        if value is not None:
            self._builtins["_"] = value
            self.write(pprint.pformat(value) + "\n")


def _leave(status: object = None) -> None:
    """End this console; the process goes on."""
    raise SystemExit(status)


class _Displaying(ast.NodeTransformer):
    """Has the value of every expression displayed that the compiler would show.

    In the mode "single" it does so by ``sys.displayhook``.
    """

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        name = ast.Name(_DISPLAY, ast.Load())
        call = ast.Call(name, [node.value], [])
        return ast.copy_location(ast.Expr(ast.copy_location(call, node)), node)

    def _leave_alone(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _leave_alone  # noqa: N815
    visit_ClassDef = _leave_alone  # noqa: N815
