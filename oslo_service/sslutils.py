# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""TLS for the HTTP server, by the options in the group ``ssl``.

Everything that an operator may get wrong there is a :exc:`RuntimeError` that
names the option, what it says, and what would do.
"""

import hashlib
import logging
import socket
import ssl
from pathlib import Path
from typing import Any, NoReturn

from oslo_config import cfg

from oslo_service import opts

__all__ = ("context", "is_enabled", "list_opts", "register_opts", "wrap")

LOG = logging.getLogger(__name__)

#: The group of the options.
config_section = opts.SSL_GROUP

# In lower case: the option's value always was in any.
_ANY_VERSION = "sslv23"
_VERSIONS = {
    "tlsv1": "TLSv1",
    "tlsv1_1": "TLSv1_1",
    "tlsv1_2": "TLSv1_2",
    "tlsv1_3": "TLSv1_3",
}
_OUTDATED = ("TLSv1", "TLSv1_1")
_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options; idempotent.

    :param conf: the configuration.
    """
    opts.register_ssl_opts(conf)


def list_opts() -> list[tuple[str | None, list[Any]]]:
    """Return the options for oslo-config-generator: (group, options) pairs."""
    return opts.listed((opts.SSL_GROUP, opts.ssl_opts))


def is_enabled(conf: cfg.ConfigOpts) -> bool:
    """Whether a certificate and its key are configured; they are not read.

    :param conf: the configuration; the options are registered on it.
    :raises RuntimeError: a file is missing, or one of the two options.
    """
    register_opts(conf)
    for option in ("cert_file", "ca_file", "key_file"):
        path = conf.ssl[option]
        if path and not Path(path).exists():
            _refuse(option, path, "there is no such file")
    if bool(conf.ssl.cert_file) == bool(conf.ssl.key_file):
        return bool(conf.ssl.cert_file)
    given, missing = "cert_file", "key_file"
    if conf.ssl.key_file:
        given, missing = missing, given
    raise RuntimeError(
        f"[ssl] {given} is set, to {conf.ssl[given]!r}, and {missing} is not: TLS"
        f" needs both, cert_file and key_file. Set {missing} too, or neither"
    )


def context(conf: cfg.ConfigOpts) -> ssl.SSLContext:
    """Return the server's side of TLS, by what the options and files say now.

    It speaks TLS 1.2 and 1.3, unless the options say otherwise, offers HTTP/1.1 (RFC
    7301), and lets no client renegotiate (RFC 5246, 7.4.1.1).

    :param conf: the configuration; the options are registered on it.
    :raises RuntimeError: the options, or the files that they name, will not do.
    """
    if not is_enabled(conf):
        raise RuntimeError(
            "TLS needs a certificate and its key: set [ssl] cert_file and key_file"
        )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client that renegotiates makes the server compute, and needs not itself.
    made.options |= ssl.OP_NO_RENEGOTIATION
    made.set_alpn_protocols(["http/1.1"])
    _set_versions(made, conf.ssl.version)
    _set_ciphers(made, conf.ssl.ciphers)
    _load_certificate(made, conf.ssl.cert_file, conf.ssl.key_file)
    if conf.ssl.ca_file:
        _demand_certificates(made, conf.ssl.ca_file)
    return made


class LiveContext:
    """What new connections are encrypted with, by what options and files say of late.

    The keys with which sessions are encrypted that clients resume belong to a context
    (RFC 8446, 4.6.1): to the one that a connection is made of, whichever it goes on
    with. So that one stays, for as long as may be: workers that have inherited it
    resume each other's sessions, and those that replace them do. It is never written
    to, as other tasks make connections of it.

    :raises RuntimeError: as :func:`context` does.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        made = context(conf)
        #: What connections are made of, and what they go on with.
        self._contexts = made, made
        self._policy, self._certificate = _policy(conf), _certificate(conf)

    def encrypt(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> ssl.SSLObject:
        """Return the server's side of a new connection, before its handshake.

        :param incoming: what the client sends is written there.
        :param outgoing: what is to be sent to the client is read from there.
        """
        first, current = self._contexts
        made = first.wrap_bio(incoming, outgoing, server_side=True)
        if current is not first:
            made.context = current
        return made

    def renew(self) -> None:
        """Take up what the options and files say now.

        After another certificate alone, sessions can still be resumed. Not after
        another policy, of whom to trust and what to speak: nobody resumes a session
        to which something else applied.

        :raises RuntimeError: as :func:`context` does; what was in force stays.
        """
        policy, certificate = _policy(self._conf), _certificate(self._conf)
        if (policy, certificate) == (self._policy, self._certificate):
            return
        renewed = context(self._conf)
        first = self._contexts[0] if policy == self._policy else renewed
        self._contexts = first, renewed
        self._policy, self._certificate = policy, certificate


def _policy(conf: cfg.ConfigOpts) -> tuple[object, ...]:
    return conf.ssl.version, conf.ssl.ciphers, _digest(conf.ssl.ca_file)


def _certificate(conf: cfg.ConfigOpts) -> tuple[object, ...]:
    return _digest(conf.ssl.cert_file), _digest(conf.ssl.key_file)


def _digest(path: str | None) -> bytes | None:
    """Return what tells whether a file has changed; None where it cannot be read."""
    content = _content(path)
    return None if content is None else hashlib.sha256(content).digest()


def _content(path: str | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError:
        return None


def wrap(conf: cfg.ConfigOpts, sock: socket.socket) -> ssl.SSLSocket:
    """Return a socket that speaks TLS, as the server, in place of another.

    :param conf: the configuration; the options are registered on it.
    :param sock: a listening or an accepted socket; it is detached.
    :returns: the socket to use; of one that is listening, those of clients speak TLS.
    :raises RuntimeError: the options, or the files that they name, will not do.
    """
    return context(conf).wrap_socket(sock, server_side=True)


def _set_versions(made: ssl.SSLContext, value: str | None) -> None:
    key = (value or _ANY_VERSION).lower()
    if key == _ANY_VERSION:
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        return
    name = _VERSIONS.get(key)
    if name is None:
        _refuse(
            "version", value, f"choose from {', '.join(_VERSIONS.values())}, SSLv23"
        )
    if name in _OUTDATED:
        LOG.warning(
            "[ssl] version is %s, which is insecure. OpenSSL may refuse every client"
            " unless [ssl] ciphers lowers its demands, as in DEFAULT@SECLEVEL=0",
            name,
        )
    try:
        made.minimum_version = made.maximum_version = ssl.TLSVersion[name]
    except ValueError as exc:
        _refuse("version", value, f"this Python's OpenSSL is without it ({exc})", exc)


def _set_ciphers(made: ssl.SSLContext, value: str | None) -> None:
    if not value:
        return
    try:
        made.set_ciphers(value)
    except (ssl.SSLError, ValueError) as exc:
        _refuse(
            "ciphers",
            value,
            "no cipher is called so; give a cipher list as in openssl-ciphers(1)."
            " Those of TLS 1.3 cannot be chosen",
            exc,
        )


def _load_certificate(made: ssl.SSLContext, certificate: str, key: str) -> None:
    for option, path in (("cert_file", certificate), ("key_file", key)):
        _check_readable(option, path)
    try:
        made.load_cert_chain(certificate, key, password=_NoPassword(key))
    except ssl.SSLError as exc:
        if exc.reason in _MISMATCHES:
            _refuse("key_file", key, f"not the key of cert_file {certificate!r}", exc)
        if exc.reason is not None or not _has_certificate(certificate):
            _refuse("cert_file", certificate, f"no usable certificate ({exc})", exc)
        _refuse("key_file", key, f"no private key in PEM format ({exc})", exc)


class _NoPassword:
    """Refuses to ask a terminal, which a service has not, for a password."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self) -> NoReturn:
        _refuse("key_file", self._key, "encrypted; nobody is there to decrypt it")


def _has_certificate(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError:
        return False
    return True


def _demand_certificates(made: ssl.SSLContext, authorities: str) -> None:
    _check_readable("ca_file", authorities)
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_verify_locations(authorities)
    except ssl.SSLError as exc:
        _refuse("ca_file", authorities, f"no certificate in PEM format ({exc})", exc)


def _check_readable(option: str, path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as exc:
        _refuse(option, path, f"cannot be read ({exc.strerror})", exc)


def _refuse(
    option: str, value: object, reason: str, cause: Exception | None = None
) -> NoReturn:
    raise RuntimeError(f"[ssl] {option} is {value!r}: {reason}") from cause


def __getattr__(name: str) -> Any:
    if name == "_SSL_PROTOCOLS":  # as clients of message buses take them from here
        versions = {_ANY_VERSION: "SSLv23", **_VERSIONS}
        found = {key: f"PROTOCOL_{one}" for key, one in versions.items()}
        return {
            key: getattr(ssl, one) for key, one in found.items() if hasattr(ssl, one)
        }
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
