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
    """Read lines from a client and run them, until it goes, or ends the console."""
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

    :param stream: the client.
    :param namespace: the names that its code finds, besides the builtins.
    """

    def __init__(self, stream: ClientStream, namespace: dict[str, Any]) -> None:
        # A copy for this console, for its own "_" and print().
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
        """Run a statement; return whether it lacks further lines."""
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
        """Run compiled code; show the client what it raises.

        :raises SystemExit: the code ends the console.
        """
        try:
            exec(code, self.locals)  # noqa: S102 - its purpose
        except SystemExit:
            raise
        except (Exception, KeyboardInterrupt):  # noqa: BLE001 - the client sees it
            self._end_if_disconnected()
            self.showtraceback()
        except BaseException:  # for example, the task is killed
            self.showtraceback()
            raise

    def _end_if_disconnected(self) -> None:
        if self._stream.disconnected:
            raise ConnectionError("the client has gone")

    # Not by sys.excepthook, which writes to the log in many services, nor with
    # sys.last_value, which keeps alive whatever the frames refer to.

    def showtraceback(self) -> None:
        """Show the exception that is being handled, without frames of the console."""
        error = sys.exception()
        assert error is not None  # noqa: S101 - this is called in an except clause
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        self.write("".join(traceback.format_exception(type(error), error, trace)))

    def showsyntaxerror(self, filename: str | None = None, **_: Any) -> None:  # noqa: ARG002
        """Show the syntax error that is being handled."""
        self.write("".join(traceback.format_exception_only(*sys.exc_info()[:2])))

    def write(self, data: str) -> None:
        """Write to the client."""
        self._stream.write(data)

    # What differs from other Python code

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
    """Displays the value of every expression for which the compiler would do that.

    The compiler does it by ``sys.displayhook``, in its mode "single".
    """

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        name = ast.Name(_DISPLAY, ast.Load())
        call = ast.Call(name, [node.value], [])
        return ast.copy_location(ast.Expr(ast.copy_location(call, node)), node)

    def _leave_alone(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _leave_alone  # noqa: N815
    visit_ClassDef = _leave_alone  # noqa: N815
