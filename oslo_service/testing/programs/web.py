# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that serves HTTP; see :mod:`.daemon` for its plan.

The settings of the plan are parameters of :class:`oslo_service.wsgi.Server`.
Each path of its application does something else.
"""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import bz2
import contextlib
import contextvars
import functools
import gzip
import hashlib
import io
import itertools
import json
import lzma
import os
import pathlib
import resource
import sys
import tempfile
import threading
import time
from typing import Any
from wsgiref import validate

from oslo_config import cfg

from oslo_service import backend, opts, service, wsgi
from oslo_service.serving import pollers
from oslo_service.serving.portable_poller import PortablePoller
from oslo_service.testing.http_corpus import seen_by_application

CONF = cfg.CONF
PLAN = daemon.PLAN
TEXT = [("Content-Type", "text/plain")]
KIB = b"x" * 1024
PIECE = b"y" * 65536
COUNTER = itertools.count()
LOCAL = threading.local()
#: Set by whoever starts the server, and by applications.
VARIABLE = contextvars.ContextVar("VARIABLE", default="nothing")


def hello(_environ: Any, start: Any) -> Any:
    """Answer at once."""
    start("200 OK", TEXT)
    return [b"hello"]


def echo(environ: Any, start: Any) -> Any:
    """Return the body back, as it is read."""
    start("200 OK", TEXT)
    stream = environ["wsgi.input"]
    return iter(lambda: stream.read(8192), b"")


def early(environ: Any, start: Any) -> Any:
    """Begin the response before the body is read."""
    start("200 OK", TEXT)(b"early")
    return [b"%d" % len(environ["wsgi.input"].read())]


def measure(environ: Any, start: Any) -> Any:
    """Read the body in pieces; tell its length, its digest and what that took."""
    digest, length = hashlib.sha256(), 0
    while piece := environ["wsgi.input"].read(65536):
        digest.update(piece)
        length += len(piece)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start("200 OK", TEXT)
    answer = {"length": length, "digest": digest.hexdigest(), "peak": peak}
    return [json.dumps(answer).encode()]


def lines(environ: Any, start: Any) -> Any:
    """Count the lines of the body by iterating over it."""
    count = sum(1 for _ in environ["wsgi.input"])
    start("200 OK", TEXT)
    return [b"%d" % count]


def peak(_environ: Any, start: Any) -> Any:
    """Return how much memory the process has used at most, in KiB."""
    start("200 OK", TEXT)
    return [b"%d" % resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]


def show(environ: Any, start: Any) -> Any:
    """Return the environment, and the body."""
    body = environ["wsgi.input"].read(-1)
    start("200 OK", [("Content-Type", "application/json")])
    plain = {key: value for key, value in environ.items() if isinstance(value, str)}
    return [json.dumps(seen_by_application(plain, body)).encode()]


def pid(_environ: Any, start: Any) -> Any:
    """Return which process answers."""
    start("200 OK", TEXT)
    return [b"%d" % os.getpid()]


def count(_environ: Any, start: Any) -> Any:
    """Return how many such requests there have been before."""
    start("200 OK", TEXT)
    return [b"%d" % next(COUNTER)]


def gate(_environ: Any, start: Any) -> Any:
    """Wait until the gate is open."""
    daemon.say("in the application")
    daemon.await_gate()
    start("200 OK", TEXT)
    return [b"through the gate"]


def half_gate(_environ: Any, start: Any) -> Any:
    """Send something, then wait until the gate is open."""
    start("200 OK", TEXT)
    yield b"half "
    daemon.say("in the application")
    daemon.await_gate()
    yield b"through the gate"


def identified(environ: Any, start: Any) -> Any:
    """Have an identifier, as oslo.middleware gives one, or say it in a field."""
    if environ["QUERY_STRING"] == "environ":
        environ["openstack.request_id"] = "req-1"
        start("200 OK", TEXT)
    else:
        start("200 OK", [*TEXT, ("X-OpenStack-Request-ID", 'req-"2"')])
    return [b"identified"]


def kill_later(_environ: Any, start: Any) -> Any:
    """Have the task that answers killed when it does something else."""
    driver = backend.get_backend()
    ident = driver.current_ident()
    (victim,) = (one for one in driver.running if one.ident == ident)

    def kill() -> None:
        driver.sleep(0.1)
        victim.stop()
        victim.join()
        daemon.say("killed")

    driver.spawn(kill, name="kills another")
    start("200 OK", TEXT)
    return [b"soon"]


def leave(environ: Any, start: Any) -> Any:
    """Return what is there already where others may find it; leave the query."""
    said = environ["QUERY_STRING"]
    thread = threading.current_thread()
    start("200 OK", [("Content-Type", "application/json")])
    found = {
        "variable": VARIABLE.get(),
        "local": getattr(LOCAL, "said", "nothing"),
        "thread": getattr(thread, "said", "nothing"),
        "named": thread.name == "said",
    }
    VARIABLE.set(said)
    if "local" in said:
        LOCAL.said = said
    if "thread" in said:
        vars(thread)["said"] = said
    if "named" in said:
        thread.name = "said"
    yield json.dumps(found).encode()
    # An application is at work until its last piece has been taken.
    assert VARIABLE.get() == said


def stream(environ: Any, start: Any) -> Any:
    """Generate as many KiB as the query says."""
    start("200 OK", TEXT)
    return (KIB for _ in range(int(environ["QUERY_STRING"])))


def whole(environ: Any, start: Any) -> Any:
    """Return as many KiB as the query says, in one piece."""
    start("200 OK", TEXT)
    return [KIB * int(environ["QUERY_STRING"])]


def flood(environ: Any, start: Any) -> Any:
    """Generate without end; tell when nobody listens any more.

    The query is a status, and the length that is declared.
    """
    status, _, length = environ["QUERY_STRING"].partition("&")
    declared = [("Content-Length", length)] if length else []
    start(status or "200 OK", TEXT + declared)
    try:
        while True:
            yield PIECE
    finally:
        daemon.say("flood is over")


def write(_environ: Any, start: Any) -> Any:
    """Send the first half as it was done before there were iterators."""
    send = start("200 OK", TEXT)
    send(b"written, ")
    return [b"returned"]


def file(environ: Any, start: Any) -> Any:
    """Return a file of as many KiB as the query says."""
    temporary = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    temporary.write(KIB * int(environ["QUERY_STRING"]))
    temporary.seek(512)
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](temporary, 4096)


#: Files of which the system can send by itself what is in them.
PLAIN: dict[str, Any] = {
    "buffered": tempfile.TemporaryFile,
    "unbuffered": functools.partial(tempfile.TemporaryFile, buffering=0),
    "named": tempfile.NamedTemporaryFile,
    "spooled": functools.partial(tempfile.SpooledTemporaryFile, max_size=1),
}
DUPLICATES: list[int] = []


def unread_file(environ: Any, start: Any) -> Any:
    """Return a file for the system to send; how far it is read is kept in sight."""
    temporary = PLAIN[environ["QUERY_STRING"]]()
    temporary.write(KIB * 300)
    temporary.seek(0)
    DUPLICATES.append(os.dup(temporary.fileno()))
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](temporary)


def how_far(_environ: Any, start: Any) -> Any:
    """Return how far the last of these files has been read."""
    fd = DUPLICATES.pop()
    place = os.lseek(fd, 0, os.SEEK_CUR)
    os.close(fd)
    start("200 OK", TEXT)
    return [b"%d" % place]


class Limited:
    """A part of a file, which does not hide its descriptor."""

    def __init__(self, whole: Any, size: int) -> None:
        self._whole, self._left = whole, size

    def read(self, size: int) -> bytes:
        """Return no more than that part."""
        data: bytes = self._whole.read(min(size, self._left))
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


class Shouting(io.FileIO):
    """A file of which something else is read than is there."""

    def readinto(self, buffer: Any, /) -> int:
        """Change what is read."""
        count = super().readinto(buffer) or 0
        buffer[:count] = bytes(buffer[:count]).upper()
        return count


def _replaced(path: str) -> Any:
    """Return a file whose method has been replaced."""
    opened: Any = io.FileIO(path)
    read = opened.read
    vars(opened)["read"] = lambda size: read(size).upper()
    return opened


#: What is read of a file of these kinds is not what their descriptors have.
CHANGING: dict[str, Any] = {
    "gzip": gzip.open,
    "bz2": bz2.open,
    "lzma": lzma.open,
    "buffered gzip": lambda path: io.BufferedReader(gzip.GzipFile(path)),
    "limited": lambda path: Limited(io.FileIO(path), 1000),
    "shouting": lambda path: io.BufferedReader(Shouting(path)),
    "replaced": _replaced,
}
_WRITERS: dict[str, Any] = {"gzip": gzip.open, "bz2": bz2.open, "lzma": lzma.open}


def changing_file(environ: Any, start: Any) -> Any:
    """Return a file of the kind that the query says; lines of numbers."""
    kind = environ["QUERY_STRING"].replace("%20", " ")
    content = b"".join(b"line %d\n" % number for number in range(20_000))
    with tempfile.NamedTemporaryFile() as named:
        with _WRITERS.get(kind.split()[-1], open)(named.name, "wb") as writer:
            writer.write(content)
        opened = CHANGING[kind](named.name)
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](opened)


def part_of_file(environ: Any, start: Any) -> Any:
    """Return less of a file than there is, as Django does for a range."""
    temporary = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    temporary.write(bytes(range(256)) * 1000)
    temporary.seek(256)
    start("200 OK", [*TEXT, ("Content-Length", "1000")])
    opened = Limited(temporary, 10**6) if environ["QUERY_STRING"] else temporary
    return environ["wsgi.file_wrapper"](opened)


def existing_file(environ: Any, start: Any) -> Any:
    """Return the file that the query names."""
    start("200 OK", TEXT)
    path = pathlib.Path(environ["QUERY_STRING"])
    named = path.open("rb")
    return environ["wsgi.file_wrapper"](named)


def fail_before(_environ: Any, _start: Any) -> Any:
    """Fail before the first byte."""
    raise RuntimeError("it fails as asked")


def fail_after(_environ: Any, start: Any) -> Any:
    """Fail after the first byte."""
    start("200 OK", TEXT)
    yield b"some"
    raise RuntimeError("it fails as asked")


def exit_(_environ: Any, _start: Any) -> Any:
    """Raise what ends programs."""
    raise SystemExit(7)


def no_start(_environ: Any, _start: Any) -> Any:
    """Never call start_response."""
    return [b"no status"]


def two_starts(_environ: Any, start: Any) -> Any:
    """Call it twice."""
    start("200 OK", TEXT)
    start("200 OK", TEXT)
    return [b"two"]


def second_start(_environ: Any, start: Any) -> Any:
    """Call it twice, as is legal after a failure."""
    start("200 OK", TEXT)
    try:
        fail_before(None, None)
    except RuntimeError:
        start("503 Service Unavailable", TEXT, sys.exc_info())
    return [b"sorry"]


def bare_status(_environ: Any, start: Any) -> Any:
    """Return a status without a phrase."""
    start("200", TEXT)
    return [b"bare"]


def bytes_like(environ: Any, start: Any) -> Any:
    """Return what can be used as bytes."""
    kind = {"bytearray": bytearray, "memoryview": memoryview}[environ["QUERY_STRING"]]
    start("200 OK", TEXT)(kind(b"written, "))
    return [kind(b"returned")]


def websocket(environ: Any, start: Any) -> Any:
    """Want the client's socket, or begin another protocol."""
    if environ["QUERY_STRING"]:
        start("101 Switching Protocols", [("Upgrade", "websocket")])
        return []
    raise RuntimeError("there is no socket in the environment")


def bad_status(_environ: Any, start: Any) -> Any:
    """Return a status that is none."""
    start("fine", TEXT)
    return [b"x"]


def split(environ: Any, start: Any) -> Any:
    """Put what the client says into a header field, line breaks and all."""
    value = bytes.fromhex(environ["QUERY_STRING"]).decode("latin-1")
    start("200 OK", [*TEXT, ("X-Said", value)])
    return [b"split"]


def text(_environ: Any, start: Any) -> Any:
    """Return text in place of bytes."""
    start("200 OK", TEXT)
    return ["text"]


def hop(_environ: Any, start: Any) -> Any:
    """Return a field that is not the application's business."""
    start("200 OK", [*TEXT, ("Transfer-Encoding", "chunked")])
    return [b"0\r\n\r\n"]


class Closing:
    """Pieces whose close() fails."""

    def __iter__(self) -> Any:
        return iter([b"closing"])

    def close(self) -> None:
        """Fail."""
        daemon.say("closed")
        raise RuntimeError("close() fails as asked")


def bad_close(_environ: Any, start: Any) -> Any:
    """Return what cannot be closed."""
    start("200 OK", [*TEXT, ("Content-Length", "7")])
    return Closing()


def too_much(_environ: Any, start: Any) -> Any:
    """Send more than is declared."""
    start("200 OK", [*TEXT, ("Content-Length", "3")])
    return iter([b"12", b"345", b"678"])


def too_little(_environ: Any, start: Any) -> Any:
    """Send less than is declared."""
    start("200 OK", [*TEXT, ("Content-Length", "9")])
    return [b"123"]


def empty(_environ: Any, start: Any) -> Any:
    """Answer without content."""
    start("204 No Content", [])
    return []


def unread(_environ: Any, start: Any) -> Any:
    """Answer without looking at the body."""
    start("403 Forbidden", TEXT)
    return [b"unread"]


def legacy(_environ: Any, start: Any) -> Any:
    """Return what a program that is started from here would inherit."""
    start("200 OK", [("Content-Type", "application/json")])
    variables = [name for name in os.environ if name.startswith("LISTEN_")]
    descriptors = [fd for fd in range(3, 32) if is_inheritable(fd)]
    return [json.dumps([variables, descriptors]).encode()]


def is_inheritable(fd: int) -> bool:
    """Whether a descriptor is open, and stays so in another program."""
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False


@contextlib.contextmanager
def cleaned(environ: Any) -> Any:
    """Tell who enters and who leaves, and leave nothing behind."""
    path = environ["PATH_INFO"]
    daemon.say("entered", path=path, thread=threading.get_ident())
    if path == "/no-entry":
        raise RuntimeError("nobody enters")
    try:
        yield
    except RuntimeError:
        if environ["QUERY_STRING"] != "suppress":
            raise
    finally:
        vars(LOCAL).clear()
        daemon.say("left", path=path, thread=threading.get_ident())


PATHS = {
    "/": hello,
    "/echo": echo,
    "/early": early,
    "/measure": measure,
    "/lines": lines,
    "/peak": peak,
    "/show": show,
    "/pid": pid,
    "/count": count,
    "/gate": gate,
    "/half-gate": half_gate,
    "/identified": identified,
    "/kill-later": kill_later,
    "/leave": leave,
    "/stream": stream,
    "/whole": whole,
    "/flood": flood,
    "/write": write,
    "/file": file,
    "/changing-file": changing_file,
    "/part-of-file": part_of_file,
    "/unread-file": unread_file,
    "/how-far": how_far,
    "/existing-file": existing_file,
    "/fail-before": fail_before,
    "/fail-after": fail_after,
    "/exit": exit_,
    "/no-start": no_start,
    "/two-starts": two_starts,
    "/second-start": second_start,
    "/bad-status": bad_status,
    "/bare-status": bare_status,
    "/bytes-like": bytes_like,
    "/websocket": websocket,
    "/split": split,
    "/text": text,
    "/hop": hop,
    "/bad-close": bad_close,
    "/too-much": too_much,
    "/too-little": too_little,
    "/empty": empty,
    "/unread": unread,
    "/legacy": legacy,
}


def application(environ: Any, start: Any) -> Any:
    """Do what the path says."""
    path = environ["PATH_INFO"]
    if path not in PATHS:
        return show(environ, start)
    return PATHS[path](environ, start)


class Marked(wsgi.Server):
    """Has something to say about its sockets."""

    def _set_socket_opts(self, _socket: Any) -> Any:
        daemon.say("socket options", listens=_socket.fileno() >= 0)
        return super()._set_socket_opts(_socket)


class Web(service.Service):
    """Has a server, as most projects' services do."""

    def __init__(self, server: wsgi.Server) -> None:
        super().__init__()
        self.server = server

    def start(self) -> None:
        """Serve."""
        VARIABLE.set("the server's")
        self.server.start()
        daemon.say("serving")

    def stop(self, graceful: bool = False) -> None:
        """Refuse, and finish."""
        self.server.stop()
        daemon.say("stopped")
        super().stop(graceful)

    def wait(self) -> None:
        """Wait for what has begun."""
        self.server.wait()
        super().wait()

    def reset(self) -> None:
        """Take up the options."""
        self.server.reset()


class Late(Web):
    """Makes its server in the process that serves."""

    def __init__(self, make: Any) -> None:
        service.Service.__init__(self)
        self.make = make

    def start(self) -> None:
        """Make it, and serve."""
        self.server = self.make()
        say_where(self.server)
        super().start()

    def reset(self) -> None:
        """There is nothing yet to take up options."""


def say_where(server: wsgi.Server) -> None:
    """Say where it listens."""
    daemon.say("listening", host=server.host, port=server.port)


def limit_descriptors(count: int) -> None:
    """Have no more descriptors than that."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def main() -> None:
    """Serve until told to stop."""
    daemon.log_to_stderr()
    opts.register_service_opts(CONF)
    opts.register_ssl_opts(CONF)
    CONF(PLAN.arguments, project="web")
    settings = {"host": "127.0.0.1", "port": 0, **PLAN.settings}
    if "portable" in PLAN.traits:
        vars(pollers)["make"] = PortablePoller
    if "few descriptors" in PLAN.traits:
        limit_descriptors(settings.pop("descriptors"))
    app: Any = show if "reflecting" in PLAN.traits else application
    if "validated" in PLAN.traits:
        app = validate.validator(app)
    made = Marked if "marked" in PLAN.traits else wsgi.Server
    if "cleaned" in PLAN.traits:
        settings["around_request"] = cleaned
    make = functools.partial(made, CONF, "web", app, **settings)
    runs: Any
    if "late" in PLAN.traits:
        runs = Late(make)
    else:
        server = make()
        runs = server if "bare" in PLAN.traits else Web(server)
    launcher = service.launch(
        CONF, runs, workers=PLAN.workers, restart_method=PLAN.restart_method
    )
    if "late" not in PLAN.traits:
        say_where(server)
    status = launcher.wait()
    daemon.say("last", status=status, threads=threading.active_count())
    time.sleep(0)
    sys.exit(status)


if __name__ == "__main__":
    main()
