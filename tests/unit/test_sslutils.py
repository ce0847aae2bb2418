# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""TLS by configuration: what is accepted, and who is let in."""

import concurrent.futures
import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import sslutils
from oslo_service.testing.waiting import LIMIT, run_script

OUTDATED = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")


def openssl(*arguments: str | Path, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=cwd)


def make_certificate(home: Path, name: str) -> None:
    """Make ``name.crt``, signed with itself, and ``name.key``."""
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        cwd=home,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with certificates of a server, a client and a stranger."""
    home = tmp_path_factory.mktemp("certificates")
    for name in ("server", "client", "stranger"):
        make_certificate(home, name)
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa"),
        *("-keyout", "rsa.key", "-out", "rsa.crt"),
        cwd=home,
    )
    openssl(
        *("ec", "-aes128", "-passout", "pass:secret"),
        *("-in", "server.key", "-out", "encrypted.key"),
        cwd=home,
    )
    home.joinpath("nonsense").write_text("nonsense\n")
    return home


def configured(home: Path, /, **options: str | None) -> cfg.ConfigOpts:
    """Make a configuration: the server's certificate, unless told otherwise."""
    conf = cfg.ConfigOpts()
    sslutils.register_opts(conf)
    files = {"cert_file": "server.crt", "key_file": "server.key"}
    for name, value in {**files, **options}.items():
        path = value and name.endswith("_file") and value != "" and home / value
        conf.set_override(name, str(path) if path else value, "ssl")
    return conf


class Handshake:
    """What came of a handshake, as both sides see it."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
        self.server_error: Exception | None = None
        self.client_error: Exception | None = None
        self.version: str | None = None
        self.protocol: str | None = None
        here, there = socket.socketpair()
        here.settimeout(LIMIT)
        there.settimeout(LIMIT)
        thread = threading.Thread(target=self._serve, args=(server, here))
        thread.start()
        try:
            self._connect(client, there)
        finally:
            there.close()
            thread.join()

    @property
    def succeeded(self) -> bool:
        return self.server_error is None and self.client_error is None

    def _serve(self, context: ssl.SSLContext, sock: socket.socket) -> None:
        try:
            with context.wrap_socket(sock, server_side=True) as wrapped:
                wrapped.sendall(b"welcome")
                wrapped.recv(1)
        except OSError as exc:
            self.server_error = exc
        finally:
            sock.close()

    def _connect(self, context: ssl.SSLContext, sock: socket.socket) -> None:
        try:
            with context.wrap_socket(sock, server_hostname="localhost") as wrapped:
                # With TLS 1.3, a client learns here that it was refused.
                assert wrapped.recv(7) == b"welcome"
                self.version = wrapped.version()
                self.protocol = wrapped.selected_alpn_protocol()
                wrapped.sendall(b"x")
        except OSError as exc:
            self.client_error = exc


def client(
    home: Path,
    certificate: str | None = None,
    version: ssl.TLSVersion | None = None,
    ciphers: str | None = None,
) -> ssl.SSLContext:
    """Make the other side, which trusts the server."""
    made = ssl.create_default_context(cafile=str(home / "server.crt"))
    made.set_alpn_protocols(["h2", "http/1.1"])
    if certificate:
        made.load_cert_chain(home / f"{certificate}.crt", home / f"{certificate}.key")
    if ciphers:
        made.set_ciphers(ciphers)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


class TestEnabling:
    def test_it_is_off_unless_configured(self) -> None:
        conf = cfg.ConfigOpts()

        assert sslutils.is_enabled(conf) is False

    def test_a_certificate_and_its_key_turn_it_on(self, home: Path) -> None:
        assert sslutils.is_enabled(configured(home)) is True

    def test_authorities_alone_do_not(self, home: Path) -> None:
        conf = configured(home, cert_file=None, key_file=None, ca_file="client.crt")

        assert sslutils.is_enabled(conf) is False

    @pytest.mark.parametrize("option", ["cert_file", "key_file", "ca_file"])
    def test_a_missing_file_is_an_error_that_names_it(
        self, home: Path, option: str
    ) -> None:
        conf = configured(home, **{option: "missing.pem"})

        with pytest.raises(RuntimeError, match=rf"\[ssl\] {option} .*/missing\.pem'"):
            sslutils.is_enabled(conf)

    @pytest.mark.parametrize("empty", [None, ""])
    @pytest.mark.parametrize("option", ["cert_file", "key_file"])
    def test_one_without_the_other_is_an_error_that_says_which(
        self, home: Path, option: str, empty: str | None
    ) -> None:
        conf = configured(home, **{option: empty})

        with pytest.raises(RuntimeError, match=f"Set {option} too"):
            sslutils.is_enabled(conf)

    def test_without_a_certificate_there_is_no_context(self) -> None:
        with pytest.raises(RuntimeError, match="cert_file and key_file"):
            sslutils.context(cfg.ConfigOpts())


class TestFiles:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"cert_file": "nonsense"}, r"cert_file is '.*/nonsense': no usable"),
            ({"cert_file": "server.key"}, r"cert_file is '.*/server.key': no usable"),
            ({"cert_file": "."}, "cert_file is '.*': cannot be read"),
            ({"key_file": "nonsense"}, r"key_file is '.*/nonsense': no private key"),
            ({"key_file": "."}, "key_file is '.*': cannot be read"),
            ({"key_file": "client.key"}, "client.key': not the key of .*server.crt'"),
            ({"key_file": "rsa.key"}, "rsa.key': not the key of .*/server.crt'"),
            ({"key_file": "encrypted.key"}, "key_file is '.*encrypted.key': encrypted"),
            ({"ca_file": "nonsense"}, r"ca_file is '.*/nonsense': no certificate"),
            ({"ca_file": "."}, "ca_file is '.*': cannot be read"),
        ],
    )
    def test_what_is_wrong_with_one_is_an_error_that_names_it(
        self, home: Path, options: dict[str, str], message: str
    ) -> None:
        with pytest.raises(RuntimeError, match=message):
            sslutils.context(configured(home, **options))

    def test_a_renewed_certificate_is_that_of_the_next_context(
        self, home: Path, tmp_path: Path
    ) -> None:
        def served() -> str:
            handshake = Handshake(sslutils.context(conf), client(home))
            return "trusted" if handshake.succeeded else "not trusted"

        for kind in ("crt", "key"):
            (tmp_path / f"now.{kind}").symlink_to(home / f"stranger.{kind}")
        conf = configured(tmp_path, cert_file="now.crt", key_file="now.key")
        before = served()
        for kind in ("crt", "key"):
            (tmp_path / f"now.{kind}").unlink()
            (tmp_path / f"now.{kind}").symlink_to(home / f"server.{kind}")

        assert (before, served()) == ("not trusted", "trusted")


class TestRenewal:
    """What new connections get when files have changed, by a context that lives on."""

    @staticmethod
    def put(home: Path, folder: Path, name: str) -> None:
        for suffix in ("crt", "key"):
            content = (home / f"{name}.{suffix}").read_bytes()
            (folder / f"now.{suffix}").write_bytes(content)

    @pytest.fixture
    def conf(self, home: Path, tmp_path: Path) -> cfg.ConfigOpts:
        self.put(home, tmp_path, "server")
        return configured(tmp_path, cert_file="now.crt", key_file="now.key")

    def shown(self, live: sslutils.LiveContext, home: Path, *ciphers: str) -> list[str]:
        """Return which certificates clients see that choose these ciphers."""
        found = []
        for one in ciphers:
            for name in ("server", "stranger", "rsa"):
                trusting = ssl.create_default_context(cafile=str(home / f"{name}.crt"))
                trusting.check_hostname = False
                trusting.maximum_version = ssl.TLSVersion.TLSv1_2
                trusting.set_ciphers(one)
                with contextlib.suppress(ssl.SSLError):
                    self.connect(live, trusting)
                    found.append(name)
        return found

    @staticmethod
    def connect(live: sslutils.LiveContext, client: ssl.SSLContext) -> ssl.SSLObject:
        """Return the client's side of a connection, after its handshake."""
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = live.encrypt(to_server, to_client)
        made = client.wrap_bio(to_client, to_server, server_hostname="localhost")
        for side in (made, server, made, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
        with contextlib.suppress(ssl.SSLWantReadError):
            made.read()  # what it needs to resume the session
        return made

    @pytest.mark.parametrize(
        ("name", "version", "resumed"),
        [("stranger", None, True), ("rsa", None, True), ("stranger", "TLSv1_3", False)],
    )
    def test_sessions_are_resumed_unless_the_policy_is_another(
        self,
        conf: cfg.ConfigOpts,
        home: Path,
        tmp_path: Path,
        name: str,
        version: str | None,
        resumed: bool,
    ) -> None:
        live = sslutils.LiveContext(conf)
        trusting = ssl.create_default_context(cafile=str(home / "server.crt"))
        trusting.check_hostname = False
        session = self.connect(live, trusting).session
        self.put(home, tmp_path, name)
        conf.set_override("version", version, group="ssl")
        live.renew()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        trusting.verify_mode = ssl.CERT_NONE
        server = live.encrypt(incoming, outgoing)
        made = trusting.wrap_bio(outgoing, incoming, session=session)
        for side in (made, server, made, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
        assert made.session_reused is resumed

    def test_no_handshake_fails_meanwhile(
        self, conf: cfg.ConfigOpts, home: Path, tmp_path: Path
    ) -> None:
        live = sslutils.LiveContext(conf)
        trusting = ssl.create_default_context()
        for name in ("server", "stranger"):
            trusting.load_verify_locations(str(home / f"{name}.crt"))
        trusting.check_hostname = False
        over = threading.Event()

        def renew() -> None:
            while not over.is_set():
                for name in ("stranger", "server"):
                    self.put(home, tmp_path, name)
                    live.renew()

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            renewing = pool.submit(renew)
            try:
                for _ in range(200):
                    assert self.connect(live, trusting)
            finally:
                over.set()
            assert renewing.result(LIMIT) is None

    @pytest.mark.parametrize("names", [("server", "rsa"), ("rsa", "server")])
    def test_one_with_a_key_of_another_kind_is_the_only_one(
        self, conf: cfg.ConfigOpts, home: Path, tmp_path: Path, names: tuple[str, str]
    ) -> None:
        self.put(home, tmp_path, names[0])
        live = sslutils.LiveContext(conf)
        assert self.shown(live, home, "aECDSA", "aRSA") == [names[0]]
        self.put(home, tmp_path, names[1])
        live.renew()
        assert self.shown(live, home, "aECDSA", "aRSA") == [names[1]]

    def test_one_that_does_not_work_changes_nothing(
        self, conf: cfg.ConfigOpts, home: Path, tmp_path: Path
    ) -> None:
        live = sslutils.LiveContext(conf)
        (tmp_path / "now.crt").write_text("nonsense")
        with pytest.raises(RuntimeError, match="no usable"):
            live.renew()
        assert self.shown(live, home, "aECDSA", "aRSA") == ["server"]


class TestVersions:
    @pytest.mark.parametrize("value", [None, "", "SSLv23", "sslv23"])
    def test_the_newest_that_both_know_is_spoken(
        self, home: Path, value: str | None
    ) -> None:
        server = sslutils.context(configured(home, version=value))

        assert Handshake(server, client(home)).version == "TLSv1.3"
        older = client(home, version=ssl.TLSVersion.TLSv1_2)
        assert Handshake(server, older).version == "TLSv1.2"

    @OUTDATED
    def test_nothing_older_than_tls_1_2_is_spoken(self, home: Path) -> None:
        server = sslutils.context(configured(home, ciphers="DEFAULT@SECLEVEL=0"))
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            older = client(home, version=version, ciphers="DEFAULT@SECLEVEL=0")

            assert not Handshake(server, older).succeeded

    @pytest.mark.parametrize(
        ("value", "spoken"),
        [("TLSv1_2", "TLSv1.2"), ("tlsv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")],
    )
    def test_one_that_is_named_is_the_only_one(
        self, home: Path, value: str, spoken: str
    ) -> None:
        server = sslutils.context(configured(home, version=value))

        assert Handshake(server, client(home)).version == spoken
        others = {ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3}
        others.remove(server.minimum_version)
        for other in others:
            assert not Handshake(server, client(home, version=other)).succeeded

    @OUTDATED
    @pytest.mark.parametrize(
        ("value", "spoken"), [("TLSv1", "TLSv1"), ("TLSv1_1", "TLSv1.1")]
    )
    def test_an_outdated_one_can_be_spoken_and_is_warned_about(
        self, home: Path, value: str, spoken: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        weak = "DEFAULT@SECLEVEL=0"
        server = sslutils.context(configured(home, version=value, ciphers=weak))
        other = client(home, version=ssl.TLSVersion[value], ciphers=weak)

        assert Handshake(server, other).version == spoken
        assert not Handshake(server, client(home)).succeeded
        assert caplog.text.count("insecure") == 1
        assert "SECLEVEL" in caplog.text

    @pytest.mark.parametrize("value", ["SSLv2", "SSLv3", "TLSv1_4", "nonsense"])
    def test_no_other_is_accepted_and_the_error_lists_those_that_are(
        self, home: Path, value: str
    ) -> None:
        with pytest.raises(
            RuntimeError,
            match=rf"\[ssl\] version is '{value}': .*TLSv1, TLSv1_1, TLSv1_2, TLSv1_3",
        ):
            sslutils.context(configured(home, version=value))


class TestCiphers:
    CHOSEN = "ECDHE-ECDSA-AES256-GCM-SHA384"

    def test_none_but_those_that_are_listed_are_used(self, home: Path) -> None:
        server = sslutils.context(
            configured(home, ciphers=self.CHOSEN, version="TLSv1_2")
        )

        assert Handshake(server, client(home)).succeeded
        other = client(home, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
        assert not Handshake(server, other).succeeded

    @pytest.mark.parametrize("value", ["nonsense", "TLS_AES_128_GCM_SHA256"])
    def test_a_list_without_any_is_an_error_that_names_it(
        self, home: Path, value: str
    ) -> None:
        with pytest.raises(RuntimeError, match=rf"\[ssl\] ciphers is '{value}'"):
            sslutils.context(configured(home, ciphers=value))


class TestClients:
    @pytest.mark.parametrize(
        "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
    )
    def test_one_with_a_certificate_of_the_authority_is_let_in_and_no_other(
        self, home: Path, version: ssl.TLSVersion
    ) -> None:
        server = sslutils.context(configured(home, ca_file="client.crt"))

        def is_let_in(certificate: str | None) -> bool:
            return Handshake(server, client(home, certificate, version)).succeeded

        assert is_let_in("client")
        assert not is_let_in("stranger")
        assert not is_let_in(None)

    def test_without_an_authority_everybody_is(self, home: Path) -> None:
        server = sslutils.context(configured(home))

        assert Handshake(server, client(home)).succeeded
        assert Handshake(server, client(home, "stranger")).succeeded

    def test_they_are_told_that_http_1_1_is_spoken(self, home: Path) -> None:
        server = sslutils.context(configured(home))

        assert Handshake(server, client(home)).protocol == "http/1.1"


# A listening socket that is wrapped accepts connections that speak TLS.
WRAPPING = """\
import socket, ssl, sys, threading
from oslo_config import cfg
from oslo_service import sslutils
certificate, key = sys.argv[1:]
conf = cfg.ConfigOpts()
sslutils.register_opts(conf)
conf.set_override("cert_file", certificate, "ssl")
conf.set_override("key_file", key, "ssl")
listener = sslutils.wrap(conf, socket.create_server(("127.0.0.1", 0)))
assert isinstance(listener, ssl.SSLSocket) and listener.server_side

def connect():
    trusting = ssl.create_default_context(cafile=certificate)
    plain = socket.create_connection(listener.getsockname())
    with trusting.wrap_socket(plain, server_hostname="localhost") as sock:
        sock.sendall(b"hello")

thread = threading.Thread(target=connect)
thread.start()
connection, _ = listener.accept()
print(connection.recv(5).decode(), connection.version())
thread.join()
"""


@pytest.mark.parametrize("patching", ["", "import eventlet\neventlet.monkey_patch()\n"])
def test_a_wrapped_socket_speaks_tls_patched_or_not(home: Path, patching: str) -> None:
    result = run_script(
        patching + WRAPPING, str(home / "server.crt"), str(home / "server.key")
    )

    assert result.stdout == "hello TLSv1.3\n", result.stderr


def test_the_options_are_listed_as_copies() -> None:
    ((group, options),) = sslutils.list_opts()

    assert group == "ssl"
    assert [one.dest for one in options] == [
        *("ca_file", "cert_file", "key_file", "version", "ciphers")
    ]
    options[0].default = "changed"
    assert sslutils.list_opts()[0][1][0].default is None
