# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: wsgi.Server speaks TLS, to real clients."""

import contextlib
import shutil
import signal
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from oslo_service.testing.http_client import LIMIT, Site, get, serving, write_options
from oslo_service.testing.live import is_alive

pytestmark = [
    pytest.mark.skipif(
        not (shutil.which("openssl") and shutil.which("curl")),
        reason="openssl and curl make the certificates and are the clients",
    ),
    pytest.mark.starts_processes,
]


def openssl(*arguments: object, text: str = "") -> "subprocess.CompletedProcess[str]":
    """Run openssl."""
    return subprocess.run(
        ["openssl", *map(str, arguments)],  # noqa: S607 - the one of the machine
        input=text,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


# Kinds of keys, as openssl makes them.
EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)


class Authority:
    """Issues certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"
        # RFC 5280, 4.2.1.3; Python 3.13 wants it.
        usage = "keyUsage=critical,keyCertSign,cRLSign"
        self._make(self._key, self.certificate, "authority", "-addext", usage)

    def _make(
        self,
        key: Path,
        certificate: Path,
        name: str,
        *options: object,
        kind: tuple[str, ...] = EC,
    ) -> None:
        made = openssl(
            *("req", "-x509", "-newkey", *kind),
            *("-nodes", "-keyout", key, "-out", certificate, "-days", 2),
            *("-subj", f"/CN={name}", *options),
        )
        assert made.returncode == 0, made.stderr

    def issue(self, name: str, kind: tuple[str, ...] = EC) -> tuple[Path, Path]:
        """Make a key and a certificate for a name; again for one it had."""
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        self._make(
            *(key, certificate, name, "-CA", self.certificate, "-CAkey", self._key),
            *("-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"),
            *("-addext", "basicConstraints=CA:FALSE"),
            kind=kind,
        )
        return certificate, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    """Whom the clients trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(driver_name, tmp_path, authority):
    """Serves over TLS with the options that it is given."""

    @contextlib.contextmanager
    def serve(**options):
        plan = options.pop("plan", {})
        settings = {"use_ssl": True, **options.pop("settings", {})}
        certificate, key = authority.issue("localhost")
        arguments = write_options(
            tmp_path / "web.conf",
            group="ssl",
            cert_file=certificate,
            key_file=key,
            **options,
        )
        with serving(
            driver_name, arguments=arguments, settings=settings, **plan
        ) as site:
            yield site

    return serve


def curl(
    site: Site, authority: Authority, path: str, *options: object, data: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Ask with curl, which checks the server's certificate."""
    url = f"https://localhost:{site.address[1]}{path}"
    command = [
        "curl",
        "-sS",
        "--ipv4",
        "--cacert",
        authority.certificate,
        *options,
        url,
    ]
    return subprocess.run(
        [str(word) for word in command],
        input=data,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


def shake(site: Site, *options: object) -> str:
    """Have openssl shake hands; return what it says."""
    done = openssl("s_client", "-connect", f"127.0.0.1:{site.address[1]}", *options)
    return done.stdout + done.stderr


@contextlib.contextmanager
def connected(site: Site, authority: Authority):
    """Connect over TLS."""
    context = ssl.create_default_context(cafile=authority.certificate)
    with (
        site.client() as client,
        context.wrap_socket(client.socket, server_hostname="localhost") as socket,
    ):
        yield socket


def who_answers(socket: ssl.SSLSocket) -> int:
    """Return the pid of the process that is connected."""
    socket.sendall(get("/pid", "Connection: close"))
    return int(read_all(socket).rpartition(b"\r\n\r\n")[2])


def read_all(socket: ssl.SSLSocket) -> bytes:
    """Read until the end."""
    data = b""
    while part := socket.recv(1 << 16):
        data += part
    return data


class TestServer:
    """A certificate of the server."""

    def test_requests_are_answered(self, serve, authority) -> None:
        with serve() as site:
            assert curl(site, authority, "/").stdout == b"hello"
            assert (
                b'"wsgi.url_scheme": "https"' in curl(site, authority, "/show").stdout
            )

    def test_who_is_refused_in_the_middle_of_an_upload_gets_the_answer(
        self, serve, authority
    ) -> None:
        with serve() as site, connected(site, authority) as client:
            head = get("/unread", f"Content-Length: {10**7}", method="POST")
            client.sendall(head + b"x" * 70_000)
            # Longer than a server stays that waits for a second in all.
            for _ in range(10):
                time.sleep(0.2)
                client.sendall(b"x" * 1000)
            assert read_all(client).startswith(b"HTTP/1.1 403 ")

    def test_what_comes_with_the_end_is_answered(self, serve, authority) -> None:
        context = ssl.create_default_context(cafile=authority.certificate)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with serve() as site, site.client() as client:
            while True:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    client.send(outgoing.read())
                    incoming.write(client.socket.recv(1 << 16))
                else:
                    break
            tls.write(get("/") * 3)
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.unwrap()
            # The requests and close_notify, in one segment.
            client.send(outgoing.read())
            incoming.write(client.rest())
            answers = b""
            with contextlib.suppress(ssl.SSLError):
                while part := tls.read(1 << 16):
                    answers += part
        assert answers.count(b"HTTP/1.1 200 OK") == 3

    @pytest.mark.parametrize("kind", ["gzip", "limited"])
    def test_a_file_that_reads_otherwise_is_read(self, serve, authority, kind) -> None:
        content = b"".join(b"line %d\n" % number for number in range(20_000))
        if kind == "limited":
            content = content[:1000]
        with serve() as site:
            read = curl(site, authority, f"/changing-file?{kind}").stdout
            assert read == content

    def test_large_bodies_go_both_ways(self, serve, authority) -> None:
        data = bytes(range(256)) * 20_000
        with serve() as site:
            echoed = curl(
                *(site, authority, "/echo", "--data-binary", "@-"),
                *("-H", "Content-Type: application/octet-stream"),
                data=data,
            )
            assert echoed.stdout == data
            assert len(curl(site, authority, "/whole?3000").stdout) == 3000 * 1024
            assert len(curl(site, authority, "/file?3000").stdout) == 3000 * 1024 - 512

    def test_kept_connections_are_used_again(self, serve, authority) -> None:
        with serve() as site:
            url = f"https://localhost:{site.address[1]}/"
            done = curl(site, authority, "/", "-w", "%{num_connects},", url)
            assert done.stdout == b"hello1,hello0,"

    def test_a_wrong_name_is_refused_by_the_client(self, serve, authority) -> None:
        with serve() as site:
            port = site.address[1]
            elsewhere = (
                "--resolve",
                f"other:{port}:127.0.0.1",
                f"https://other:{port}/",
            )
            assert b"SSL" in curl(site, authority, "/", *elsewhere).stderr

    def test_http_without_tls_is_not_answered(self, serve, authority) -> None:
        with serve() as site:
            with site.client() as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    assert b"HTTP" not in client.rest()
            assert curl(site, authority, "/").stdout == b"hello"

    def test_clients_that_never_shake_hands_hold_nobody_up(
        self, serve, authority
    ) -> None:
        with (
            serve(settings={"pool_size": 1}) as site,
            contextlib.ExitStack() as stack,
        ):
            for _ in range(20):
                stack.enter_context(site.client())
                stack.enter_context(site.client()).send(b"\x16\x03\x01\x02\x00\x01")
            assert curl(site, authority, "/").stdout == b"hello"
            assert site.program.end() == 0


class TestVersions:
    """What the handshake agrees upon."""

    def test_old_ones_are_refused(self, serve) -> None:
        old = ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        with serve() as site:
            assert "alert protocol version" in shake(site, *old)
            assert "Verification" in shake(site, "-tls1_2")
            assert "TLSv1.3, Cipher is" in shake(site)

    def test_one_may_be_wanted(self, serve) -> None:
        with serve(version="TLSv1_2") as site:
            assert "TLSv1.2, Cipher is" in shake(site)
            assert "alert protocol version" in shake(site, "-tls1_3")

    def test_ciphers_may_be_chosen(self, serve) -> None:
        chosen = "ECDHE-ECDSA-AES256-GCM-SHA384"
        with serve(ciphers=chosen) as site:
            assert f"Cipher is {chosen}" in shake(site, "-tls1_2")
            other = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
            assert "handshake failure" in shake(site, *other)


class TestClients:
    """[ssl] ca_file: certificates of clients."""

    def test_they_are_required(self, serve, authority) -> None:
        with serve(ca_file=authority.certificate) as site:
            assert curl(site, authority, "/").stdout == b""
            certificate, key = authority.issue("client")
            own = ("--cert", certificate, "--key", key)
            assert curl(site, authority, "/", *own).stdout == b"hello"

    def test_those_of_others_are_refused(self, serve, authority, tmp_path) -> None:
        with serve(ca_file=authority.certificate) as site:
            certificate, key = Authority(tmp_path).issue("stranger")
            own = ("--cert", certificate, "--key", key)
            assert curl(site, authority, "/", *own).stdout == b""


@pytest.mark.parametrize("method", ["reload", "mutate"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", [EC, RSA], ids=["same", "other key"])
def test_a_renewed_certificate_is_used_after_sighup(
    serve, authority, method: str, workers: int, kind: tuple[str, ...]
) -> None:
    def serial(site: Site) -> str:
        text = shake(site)
        begin = text.index("-----BEGIN")
        return text[begin : text.index("-----END")]

    plan = {"workers": workers, "restart_method": method}
    with serve(plan=plan) as site:
        before = serial(site)
        assert serial(site) == before
        authority.issue("localhost", kind)
        site.program.kill(signal.SIGHUP)
        site.program.until(
            lambda: all(serial(site) != before for _ in range(4)), "a new certificate"
        )
        assert curl(site, authority, "/").stdout == b"hello"


class TestSessions:
    """A session of TLS that a client resumes."""

    @pytest.fixture
    def resumed_with(self, authority):
        """Resumes the last session, if any; returns the pid of who answers."""
        context = ssl.create_default_context(cafile=authority.certificate)
        session: ssl.SSLSession | None = None

        def resumed_with(site: Site) -> int:
            nonlocal session
            with (
                site.client() as client,
                context.wrap_socket(
                    client.socket, server_hostname="localhost", session=session
                ) as socket,
            ):
                pid = who_answers(socket)
                assert session is None or socket.session_reused, "it begins anew"
                session = socket.session
            return pid

        return resumed_with

    @staticmethod
    def reload(site: Site) -> None:
        """Have the workers replaced, and the old ones gone."""
        old = site.program.pids("serving")
        site.program.kill(signal.SIGHUP)
        site.program.expect("serving", len(old) + 2)
        site.program.until(
            lambda: not any(is_alive(pid) for pid in old), "the old workers are gone"
        )

    def test_other_workers_do_that_too(self, serve, resumed_with) -> None:
        with serve(plan={"workers": 2}) as site:
            first = resumed_with(site)
            site.program.kill(signal.SIGKILL, first)
            site.program.expect("serving", 3)  # two, and the successor of the first
            assert resumed_with(site) != first

    def test_and_after_a_reload_with_a_new_certificate(
        self, serve, authority, resumed_with
    ) -> None:
        with serve(plan={"workers": 2}) as site:
            resumed_with(site)
            authority.issue("localhost")
            self.reload(site)
            resumed_with(site)

    def test_and_those_that_follow_a_reload_with_another_kind_of_key(
        self, serve, authority, resumed_with
    ) -> None:
        with serve(plan={"workers": 2}) as site:
            authority.issue("localhost", RSA)
            self.reload(site)
            first = resumed_with(site)
            site.program.kill(signal.SIGKILL, first)
            site.program.expect("serving", 5)
            assert resumed_with(site) != first


@pytest.mark.parametrize("method", ["reload", "mutate"])
@pytest.mark.parametrize("workers", [1, 2])
def test_with_a_renewed_one_that_does_not_work_it_goes_on_with_the_one_it_had(
    serve, authority, method: str, workers: int
) -> None:
    plan = {"workers": workers, "restart_method": method}
    with serve(plan=plan) as site:
        (authority.folder / "localhost.pem").write_text("broken", encoding="ascii")
        site.program.kill(signal.SIGHUP)
        site.program.expect_text("goes on with the certificate", workers)
        if method == "reload":
            site.program.expect("serving", 2 * workers)
        for _ in range(4):
            assert curl(site, authority, "/").stdout == b"hello"
        assert site.program.end() == 0


class TestNewWorkersGoOnWithTheLastOneThatWorked:
    """Whatever the files have now, and whatever the server was made with."""

    @staticmethod
    def shown(site: Site, authority: Authority, old: list[int]) -> bytes | None:
        """Return the certificate of a worker; None: one of the old ones answers."""
        with connected(site, authority) as client:
            certificate = client.getpeercert(binary_form=True)
            return None if who_answers(client) in old else certificate

    @staticmethod
    def renewed(authority: Authority, name: str, kind: tuple[str, ...]) -> bytes:
        certificate, _ = authority.issue(name, kind)
        return ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))

    def check_successors(
        self, site: Site, authority: Authority, certificate: bytes
    ) -> None:
        program = site.program
        old = program.pids("serving")
        for pid in old[-2:]:
            program.kill(signal.SIGKILL, pid)
        program.expect("serving", len(old) + 2)
        assert all(self.shown(site, authority, []) == certificate for _ in range(4))

    @pytest.mark.parametrize("kind", [EC, RSA], ids=["same", "other key"])
    @pytest.mark.parametrize("method", ["reload", "rolling"])
    def test_where_workers_are_replaced(
        self, serve, authority, method: str, kind: tuple[str, ...]
    ) -> None:
        with serve(plan={"workers": 2, "restart_method": method}) as site:
            program = site.program
            old: list[int] = []
            certificate = self.renewed(authority, "localhost", kind)
            for _ in range(2):
                old = program.pids("serving")
                program.kill(signal.SIGHUP)
                program.expect("serving", len(old) + 2)
                program.until(
                    lambda old=old: self.shown(site, authority, old) == certificate,
                    "a new worker shows the renewed certificate",
                )
                (authority.folder / "localhost.pem").write_text("broken")
            self.check_successors(site, authority, certificate)

    @pytest.mark.parametrize("method", ["reload", "rolling"])
    def test_where_an_option_has_named_it(
        self, serve, authority, tmp_path: Path, method: str
    ) -> None:
        with serve(plan={"workers": 2, "restart_method": method}) as site:
            program = site.program
            certificate = self.renewed(authority, "localhost", EC)
            files = [authority.folder / f"localhost.{kind}" for kind in ("pem", "key")]
            moved = [one.rename(one.with_stem("moved")) for one in files]
            write_options(
                tmp_path / "web.conf",
                group="ssl",
                cert_file=moved[0],
                key_file=moved[1],
            )
            program.kill(signal.SIGHUP)
            program.expect("serving", 4)
            program.expect("stopped", 2)
            program.until_asleep(program.pid)  # it has adopted the options
            moved[0].write_text("broken")
            self.check_successors(site, authority, certificate)

    @pytest.mark.parametrize("kind", [EC, RSA], ids=["same", "other key"])
    def test_where_workers_stay(self, serve, authority, kind: tuple[str, ...]) -> None:
        with serve(plan={"workers": 2, "restart_method": "mutate"}) as site:
            certificate = self.renewed(authority, "localhost", kind)
            site.program.kill(signal.SIGHUP)
            site.program.until(
                lambda: self.shown(site, authority, []) == certificate, "it is renewed"
            )
            (authority.folder / "localhost.pem").write_text("broken")
            self.check_successors(site, authority, certificate)
