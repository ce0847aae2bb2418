# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A process that forks programs which have their imports behind them.

Run as ``python _fork_server_main.py DESCRIPTOR DRIVER PROGRAM``. The driver prepares
the process, what the program imports is imported, and from then on whoever sends a
request over the socket has the program run in a fork: as if it had just got there by
itself.
"""

import ast
import json
import os
import sys
from _socket import CMSG_SPACE, socket  # drivers patch what is called socket
from array import array
from collections.abc import Iterator
from pathlib import Path
from posix import fork
from select import POLLIN, poll
from signal import SIGCHLD, SIGKILL, getsignal, signal
from types import CodeType, ModuleType
from typing import Any

__all__ = ("main",)

#: The most bytes of a request.
SIZE = 1 << 18
# What programs import of each other.
_PROGRAMS = "oslo_service.testing.programs"
_FOLDER = Path(__file__).parent / "programs"


def imports_of(program: Path) -> Iterator[ast.stmt]:
    """Return the imports at the top of a program, and of those programs it imports."""
    for statement in ast.parse(program.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and statement.module == _PROGRAMS:
            for name in statement.names:
                yield from imports_of(_FOLDER / f"{name.name}.py")
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement


def prepare(driver: str, program: Path) -> None:
    """Get to where the program would be after its imports."""
    os.environ["OS_OSLO_SERVICE__BACKEND"] = driver
    from oslo_service import backend

    backend.bootstrap(argv=[])
    for statement in imports_of(program):
        code = compile(ast.Module([statement], []), str(program), "exec")
        exec(code, {"__name__": "__main__"})  # noqa: S102 - an import


class Server:
    """Forks programs as it is told, and tells how they have ended.

    A program is reaped when who has asked for it hangs up: its pid is its own until
    then. Nothing is left of any when who asks for them is gone.

    :param requests: from whom it is told.
    """

    def __init__(self, requests: socket) -> None:
        self._requests = requests
        self._poll = poll()
        self._poll.register(requests, POLLIN)
        # Programs, and who is told of their end: those that run by pidfd, those that
        # have ended by who has been told.
        self._running: dict[int, tuple[int, socket]] = {}
        self._ended: dict[int, tuple[int, socket]] = {}

    def fork(self) -> dict[str, Any]:
        """Fork when told to; return in the program only, with what it is to be.

        :raises SystemExit: who asks for programs is gone.
        """
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._running:
                    self._tell(descriptor)
                elif descriptor in self._ended:
                    self._reap(descriptor)
                elif (request := self._take()) is not None:
                    return request

    def _take(self) -> dict[str, Any] | None:
        """Take a request; return it in the program."""
        data, ancillary, _, _ = self._requests.recvmsg(SIZE, CMSG_SPACE(8))
        if not data:
            self._end()
        descriptors = array("i")
        for _, _, content in ancillary:
            descriptors.frombytes(content)
        output, teller = descriptors[0], socket(fileno=descriptors[1])
        pid = _fork()
        if not pid:
            self._leave()
            _begin(output, teller)
            return json.loads(data)  # type: ignore[no-any-return]
        os.close(output)
        pidfd = os.pidfd_open(pid)
        self._running[pidfd] = pid, teller
        self._poll.register(pidfd, POLLIN)
        return None

    def _tell(self, pidfd: int) -> None:
        """Tell how a program has ended."""
        pid, teller = self._running.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert found is not None
        by_itself = found.si_code == os.CLD_EXITED
        try:
            teller.send(b"%d" % (found.si_status if by_itself else -found.si_status))
        except OSError:
            pass  # nobody wants to know
        self._ended[teller.fileno()] = pid, teller
        self._poll.register(teller, POLLIN)

    def _reap(self, descriptor: int) -> None:
        """Let go of a program whose status is known."""
        pid, teller = self._ended.pop(descriptor)
        self._poll.unregister(descriptor)
        teller.close()
        os.waitpid(pid, 0)

    def _leave(self) -> None:
        """Close, in a program, what is the server's."""
        self._requests.close()
        for pidfd, (_, teller) in self._running.items():
            os.close(pidfd)
            teller.close()
        for _, teller in self._ended.values():
            teller.close()

    def _end(self) -> None:
        for pid, _ in self._running.values():
            os.kill(pid, SIGKILL)
        sys.exit()


def _fork() -> int:
    from oslo_service import backend
    from oslo_service._common import fork_safety

    # The program goes on in the child, and knows of no parent.
    with fork_safety.kept_by_child():
        pid = fork()
    if not pid:
        # A hub that is made anew may take this signal: gevent's does.
        handler = getsignal(SIGCHLD)
        backend.get_backend().after_fork()
        signal(SIGCHLD, handler)
    return pid


def _begin(output: int, teller: socket) -> None:
    """Have the streams, and the session, of a program that was started."""
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.setsid()
    teller.send(b"%d" % os.getpid())
    teller.close()


def become(request: dict[str, Any], program: Path, code: CodeType) -> None:
    """Be the program, in the fork."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = [str(program), *request["arguments"]]
    main = ModuleType("__main__")
    main.__file__ = str(program)
    sys.modules["__main__"] = main
    exec(code, vars(main))  # noqa: S102 - the program


def main(descriptor: str, driver: str, program: str) -> None:
    """Prepare, and fork programs for as long as they are asked for."""
    requests = socket(fileno=int(descriptor))
    os.set_inheritable(requests.fileno(), False)
    path = Path(program)
    sys.path[0] = str(path.parent)
    code = compile(path.read_bytes(), program, "exec")
    prepare(driver, path)
    threads = len([*Path("/proc/self/task").iterdir()])
    requests.send(b"ready" if threads == 1 else b"it has %d threads" % threads)
    become(Server(requests).fork(), path, code)


if __name__ == "__main__":
    main(*sys.argv[1:])
