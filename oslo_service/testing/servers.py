# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Real servers for tests of a cluster: on loopback, each in a folder of its own.

They are those of Debian's packages. One that is not installed says which package
has it: a test is skipped with that reason. A server dies with who has started it.
"""

import contextlib
import http.client
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from oslo_service.testing.live import die_with_the_tests

__all__ = ("SERVERS", "Etcd", "Memcached", "Redis", "Server", "ZooKeeper")

# How long a server may take until it answers, or has ended, in seconds.
_PATIENCE = 60.0
# How often it is asked meanwhile, and how long it may take to answer.
_PAUSE, _PROMPT = 0.05, 1.0
# How often other ports are tried, where somebody else was faster.
_TRIES = 3
_HOST = "127.0.0.1"
_JAR = Path("/usr/share/java/zookeeper.jar")


class Server(ABC):
    """A server that can be stopped, and started again as it was.

    A context manager: it is started, and nothing is left of it afterwards.

    :param home: an empty folder, for everything that it keeps.
    :cvar package: the Debian package of the server.
    :cvar scheme: the scheme of its URLs.
    :cvar client: the module by which tooz speaks to it.
    :cvar program: its program, which is looked for on the path, and in /usr/sbin.
    :cvar ports: how many ports it needs.
    :ivar port: the port that it listens on.
    """

    package: ClassVar[str]
    scheme: ClassVar[str]
    client: ClassVar[str]
    program: ClassVar[str]
    ports: ClassVar[int] = 1

    def __init__(self, home: Path) -> None:
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = _free_ports(self.ports)

    @property
    def port(self) -> int:
        """The port on loopback that clients connect to."""
        return self._ports[0]

    @classmethod
    def program_missing(cls) -> str | None:
        """Return why it cannot be started here; None: it can."""
        if _find(cls.program) is None:
            return f"Debian's {cls.package} is not installed"
        return None

    @classmethod
    def obstacle(cls) -> str | None:
        """Return why tooz cannot use it here; None: it can."""
        for module in ("tooz", cls.client):
            if importlib.util.find_spec(module) is None:
                return cls.program_missing() or f"{module} is not installed"
        return cls.program_missing()

    @property
    def url(self) -> str:
        """The URL to give to tooz."""
        return self.url_of(_HOST, self.port)

    @classmethod
    def url_of(cls, host: str, port: int) -> str:
        """Return its URL at another address: that of a proxy, for example."""
        return f"{cls.scheme}://{host}:{port}"

    @abstractmethod
    def command(self) -> list[str]:
        """Write the configuration; return the command line."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves.

        :raises OSError: it cannot be reached.
        """

    def start(self) -> Self:
        """Start it, and wait until it serves.

        :raises RuntimeError: it has ended, or does not serve in time.
        """
        fresh = not any(self.home.iterdir())
        for left in reversed(range(_TRIES if fresh else 1)):
            self._launch()
            if self._serves():
                break
            self.kill()
            if not left:
                raise RuntimeError(f"{self.program} does not serve:\n{self.log}")
            self._ports = _free_ports(self.ports)
        return self

    def stop(self) -> None:
        """Stop it by SIGTERM, and wait for its end."""
        self._signal(signal.SIGTERM)
        self._await_end()

    def kill(self) -> None:
        """Kill it, also when it is paused; do nothing when it has ended."""
        self._signal(signal.SIGKILL)
        self._await_end()

    def pause(self) -> None:
        """Stop it by SIGSTOP: it keeps its connections, and does not answer."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause`."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "it has not been started"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has logged."""
        with contextlib.suppress(OSError):
            return (self.home / "log").read_text(errors="replace")
        return ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _launch(self) -> None:
        assert self._process is None, "it runs"
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
                preexec_fn=die_with_the_tests,  # noqa: PLW1509 - it takes no lock
            )

    def _serves(self) -> bool:
        assert self._process is not None
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                # Another one may have been faster, and be of the same kind.
                if self.is_ready() and self._process.poll() is None:
                    return True
            time.sleep(_PAUSE)
        return False

    def _signal(self, signum: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signum)

    def _await_end(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_PATIENCE)
            raise RuntimeError(f"{self.program} does not end:\n{self.log}") from None
        finally:
            self._process = None

    def _program(self) -> str:
        return _find(self.program) or self.program

    def _ask(self, words: bytes) -> bytes:
        """Return the beginning of what it answers."""
        with socket.create_connection((_HOST, self.port), _PROMPT) as client:
            client.settimeout(_PROMPT)
            client.sendall(words)
            return client.recv(4096)


class Etcd(Server):
    """etcd, one server. It grants a lease of two seconds at least.

    :param home: an empty folder, for everything that it keeps.
    :param election: its election time-out, in seconds, of which the least lease is
        one and a half.
    """

    package = "etcd-server"
    scheme = "etcd3+http"
    client = "etcd3gw"
    program = "etcd"
    ports = 2

    def __init__(self, home: Path, election: float = 1.0) -> None:
        super().__init__(home)
        self._election = election

    def command(self) -> list[str]:
        """Return the command line."""
        clients, peers = (f"http://{_HOST}:{port}" for port in self._ports)
        options = {
            "name": "one",
            "data-dir": str(self.home / "data"),
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"one={peers}",
            "heartbeat-interval": str(int(self._election * 100)),
            "election-timeout": str(int(self._election * 1000)),
            "logger": "zap",
            "log-level": "warn",
        }
        return [
            self._program(),
            *(f"--{name}={value}" for name, value in options.items()),
        ]

    def is_ready(self) -> bool:
        """Whether it has a leader."""
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=_PROMPT)
        with contextlib.closing(connection):
            connection.request("GET", "/health")
            return b'"true"' in connection.getresponse().read()


class Redis(Server):
    """Redis, which keeps everything that it has acknowledged, also when it is killed.

    :param home: an empty folder, for everything that it keeps.
    :param persistent: whether it does; else it begins anew each time.
    :param password: what clients have to know; None: nothing.
    :param of: the server that it is a replica of.
    """

    package = "redis-server"
    scheme = "redis"
    client = "redis"
    program = "redis-server"

    def __init__(
        self,
        home: Path,
        *,
        persistent: bool = True,
        password: str | None = None,
        of: "Redis | None" = None,
    ) -> None:
        super().__init__(home)
        self._persistent = persistent
        self._password = password
        self._of = of

    def command(self) -> list[str]:
        """Return the command line."""
        options = {
            "bind": _HOST,
            "port": str(self.port),
            "dir": str(self.home),
            "save": "",
            "appendonly": "yes" if self._persistent else "no",
            "appendfsync": "always",
            **({"requirepass": self._password} if self._password else {}),
            **({"replicaof": f"{_HOST} {self._of.port}"} if self._of else {}),
        }
        # Some take several words.
        return [
            self._program(),
            *(
                word
                for name, value in options.items()
                for word in (f"--{name}", *(value.split() or [""]))
            ),
        ]

    def is_ready(self) -> bool:
        """Whether it has read what it had kept."""
        return self._ask(b"PING\r\n").startswith((b"+PONG", b"-NOAUTH"))

    def promote(self) -> None:
        """Have a replica be on its own."""
        assert self._ask(b"REPLICAOF NO ONE\r\n").startswith(b"+OK")


class ZooKeeper(Server):
    """ZooKeeper, one server.

    :param home: an empty folder, for everything that it keeps.
    :param tick: its unit of time, in seconds: a session lasts two of them at least,
        twenty at most, and ends up to one later.
    """

    package = "zookeeper"
    scheme = "zookeeper"
    client = "kazoo"
    program = "java"

    def __init__(self, home: Path, tick: float = 0.5) -> None:
        super().__init__(home)
        #: In seconds.
        self.tick = tick

    @classmethod
    def program_missing(cls) -> str | None:
        """Return why it cannot be started here; None: it can."""
        if not _JAR.exists():
            return f"Debian's {cls.package} is not installed"
        return super().program_missing()

    def command(self) -> list[str]:
        """Return the command line, and write the configuration."""
        config = self.home / "zoo.cfg"
        config.write_text(
            f"tickTime={int(self.tick * 1000)}\n"
            f"dataDir={self.home / 'data'}\n"
            f"clientPort={self.port}\n"
            f"clientPortAddress={_HOST}\n"
            "admin.enableServer=false\n"
            "4lw.commands.whitelist=srvr\n"
            "maxClientCnxns=0\n"
        )
        return [
            self._program(),
            *("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("-cp", str(_JAR)),
            *("org.apache.zookeeper.server.ZooKeeperServerMain", str(config)),
        ]

    def is_ready(self) -> bool:
        """Whether it serves."""
        return b"Mode:" in self._ask(b"srvr")


class Memcached(Server):
    """memcached, which keeps nothing.

    :param home: an empty folder, for its log.
    """

    package = "memcached"
    scheme = "memcached"
    client = "pymemcache"
    program = "memcached"

    def command(self) -> list[str]:
        """Return the command line."""
        place = ["-l", _HOST, "-p", str(self.port), "-U", "0"]
        # It would change the user of its own accord, and then outlive who started it.
        return [self._program(), *place, *(() if os.geteuid() else ("-u", "root"))]

    def is_ready(self) -> bool:
        """Whether it serves."""
        return self._ask(b"version\r\n").startswith(b"VERSION")


#: Those there are, by the name that tools and tests call them.
SERVERS: dict[str, type[Server]] = {
    "etcd": Etcd,
    "redis": Redis,
    "zookeeper": ZooKeeper,
    "memcached": Memcached,
}


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as probes:
        return [
            probes.enter_context(socket.create_server((_HOST, 0))).getsockname()[1]
            for _ in range(count)
        ]
