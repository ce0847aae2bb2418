# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A RabbitMQ of its own: ``python broker.py [--port PORT] [--home DIRECTORY]``.

Listens on the loopback device only, and keeps everything in one directory, which
is a temporary one unless told otherwise. Uses what Debian's package
``rabbitmq-server`` installs, but neither that package's service nor its user.
"""

import argparse
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ADDRESS = "127.0.0.1"
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# How long the broker may take to answer, or to end, in seconds.
LIMIT = 90.0

_PAUSE = 0.05
# What a client says first, and the type of the frame that is the answer:
# AMQP 0-9-1, sections 4.2.2 and 4.2.3.
_GREETING, _METHOD_FRAME = b"AMQP\x00\x00\x09\x01", b"\x01"
# The name is that of prctl's manual page, section 2.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """The broker did not do what it is for."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((ADDRESS, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def environment(home: Path, port: int, names_port: int) -> dict[str, str]:
    """Tell RabbitMQ and Erlang to stay in a directory, and on loopback."""
    plugins = home / "enabled_plugins"
    plugins.write_text("[].\n", encoding="ascii")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),  # where the Erlang cookie is
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": ADDRESS,
        "ERL_EPMD_PORT": str(names_port),
        "RABBITMQ_NODENAME": "example@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": ADDRESS,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1}"
        ),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        # The script becomes the broker, and does not watch over it.
        "RABBITMQ_ALLOW_INPUT": "1",
    }


def wait_for_port(port: int, process: subprocess.Popen[bytes], hello: bytes) -> None:
    """Wait until a program answers.

    :param hello: what to send, where a connection alone is not answer enough.
    """
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failed(f"{process.args!r} ended with status {process.returncode}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection((ADDRESS, port), timeout=1.0) as client,
        ):
            client.sendall(hello)
            if not hello or client.recv(1) == _METHOD_FRAME:
                return
        time.sleep(_PAUSE)
    raise Failed(f"no answer on {ADDRESS}:{port} in {LIMIT:g} s")


@contextlib.contextmanager
def program(
    arguments: list[str], settings: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program meanwhile; it ends with this process, however that ends."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            arguments,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=_end_with_the_parent,  # noqa: PLW1509 - there are no threads
        ) as process,
    ):
        try:
            yield process
            process.terminate()
            process.wait(LIMIT)
        finally:
            process.kill()


def _end_with_the_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(home: Path, port: int) -> Iterator[str]:
    """Run a broker meanwhile; give the URL of the transport.

    :raises Failed: it does not start, or not in time.
    """
    names_port = free_port()
    settings = environment(home, port, names_port)
    output = home / "output"
    # Erlang would start this itself, for ever and with all of the machine.
    names = ["epmd", "-address", ADDRESS, "-port", str(names_port)]
    with program(names, settings, output) as epmd:
        wait_for_port(names_port, epmd, b"")
        with program([str(SERVER), "-noinput"], settings, output) as broker:
            wait_for_port(port, broker, _GREETING)
            yield f"rabbit://guest:guest@{ADDRESS}:{port}/"


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--port", type=int, default=5672, help="default: 5672; 0: any that is free"
    )
    parser.add_argument(
        "--home", type=Path, help="where to keep everything, also its log"
    )
    return parser.parse_args()


def main() -> int:
    """Run a broker until told to stop; give the exit status."""
    arguments = parse()
    if not SERVER.exists():
        print(f"There is no {SERVER}: apt-get install rabbitmq-server")
        return 1
    signals = {signal.SIGINT, signal.SIGTERM}
    with tempfile.TemporaryDirectory(prefix="broker-") as name:
        home = (arguments.home or Path(name)).resolve()
        try:
            with running(home, arguments.port or free_port()) as url:
                signal.pthread_sigmask(signal.SIG_BLOCK, signals)
                print(json.dumps({"event": "serving", "url": url}), flush=True)
                signal.sigwait(signals)
        except Failed as exc:
            print(f"{exc}; {home}/output:\n{(home / 'output').read_text()}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
