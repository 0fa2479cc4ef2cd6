"""TLSContext: how TLS connections are made, and its certificates."""

from __future__ import annotations

import os
from _thread import allocate_lock

import _tonio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, overload

    from _typeshed import StrOrBytesPath

    # A path, or the data itself.
    _Source = StrOrBytesPath
    _Password = str | bytes | None

# The numbers of ssl.VerifyMode and ssl.TLSVersion, which are accepted as well; the ssl
# module itself is loaded by the programs that use it.
_CERT_NONE, _CERT_OPTIONAL, _CERT_REQUIRED = range(3)
_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_MINIMUM_SUPPORTED, _MAXIMUM_SUPPORTED = -2, -1  # ssl.TLSVersion's


class TLSContext:
    """TLSContext(*, server_side=False)

    How TLS connections are made, for any number of them, in any number of threads. Its
    methods are named after ssl.SSLContext's. What is set later counts for later connections.

    A client's context verifies the server's certificate and host name against the system's
    trusted certificates, unless others are loaded; a server's does not ask for a client's
    certificate, and needs one of its own (load_cert_chain). TLS 1.2 and 1.3, with forward
    secrecy and authenticated encryption only. Sessions are resumed."""

    def __init__(self, *, server_side: bool = False) -> None:
        self._lock = allocate_lock()
        self._config: _tonio.TlsConfig | None = None
        self._server_side = bool(server_side)
        self._verify_mode = _CERT_NONE if server_side else _CERT_REQUIRED
        self._check_hostname = not server_side
        self._minimum, self._maximum = _VERSIONS["TLSv1.2"], _VERSIONS["TLSv1.3"]
        self._alpn: tuple[bytes, ...] = ()
        self._identities: tuple[_tonio.TlsIdentity, ...] = ()
        self._certificates: tuple[bytes, ...] = ()
        self._revocation_lists: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"<tonio.net.tls.TLSContext {'server' if self._server_side else 'client'}>"

    @property
    def server_side(self) -> bool:
        """Whether it is for servers; read-only."""
        return self._server_side

    @property
    def verify_mode(self) -> int:
        """Whether the peer must show a valid certificate: ssl.CERT_REQUIRED (2), CERT_OPTIONAL
        (1: a server's clients may have none, but no bad one) or CERT_NONE (0: any peer is
        accepted, so anybody in between can read and change everything)."""
        return self._verify_mode

    @verify_mode.setter
    def verify_mode(self, mode: int) -> None:
        if mode not in (_CERT_NONE, _CERT_OPTIONAL, _CERT_REQUIRED):
            raise ValueError(
                f"verify_mode must be ssl.CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED, not {mode!r}"
            )
        if mode == _CERT_NONE and self._check_hostname:
            raise ValueError("set check_hostname to False before verify_mode to ssl.CERT_NONE")
        self._set(_verify_mode=int(mode))

    @property
    def check_hostname(self) -> bool:
        """Whether a server's certificate must be for the name that the client connects to."""
        return self._check_hostname

    @check_hostname.setter
    def check_hostname(self, check: bool) -> None:
        if check and self._verify_mode == _CERT_NONE:
            raise ValueError("check_hostname needs verify_mode ssl.CERT_REQUIRED")
        self._set(_check_hostname=bool(check))

    @property
    def minimum_version(self) -> int | str:
        """The lowest TLS version to speak: ssl.TLSVersion.TLSv1_2 or .TLSv1_3, or "TLSv1.2",
        "TLSv1.3"."""
        return self._minimum

    @minimum_version.setter
    def minimum_version(self, version: int | str) -> None:
        self._set(_minimum=_version(version, "minimum_version"))

    @property
    def maximum_version(self) -> int | str:
        """The highest TLS version to speak, as minimum_version."""
        return self._maximum

    @maximum_version.setter
    def maximum_version(self, version: int | str) -> None:
        self._set(_maximum=_version(version, "maximum_version"))

    def set_alpn_protocols(self, protocols: Iterable[str | bytes]) -> None:
        """The application protocols to offer or accept, such as ["h2", "http/1.1"], the most
        wanted first (RFC 7301)."""
        if isinstance(protocols, (str, bytes)) or not hasattr(protocols, "__iter__"):
            kind = type(protocols).__name__
            raise TypeError(f"set_alpn_protocols() takes a list of protocols, not {kind}")
        encoded = tuple(p.encode("ascii") if isinstance(p, str) else bytes(p) for p in protocols)
        for protocol in encoded:
            if not 1 <= len(protocol) <= 255 or b"\0" in protocol:
                raise ValueError(f"an ALPN protocol has 1 to 255 bytes and no NUL: {protocol!r}")
        self._set(_alpn=encoded)

    def load_cert_chain(
        self,
        certfile: _Source,
        keyfile: _Source | None = None,
        password: _Password | Callable[[], _Password] = None,
    ) -> None:
        """Loads a certificate, the intermediate certificates after it, and its private key (from
        keyfile, or from certfile too), in PEM or DER form; each is a path, or bytes: the data
        itself. password (str, bytes, or a function that gives it) is for an encrypted key.

        A server may load several: it takes the one for the name that the client asks for
        (SNI), or the first. OSError for a file that can't be read, ValueError with the reason
        for data that can't."""
        if callable(password):
            password = password()
        if isinstance(password, str):
            password = password.encode()
        chain = _data(certfile)
        key = chain if keyfile is None else _data(keyfile)
        try:
            identity = _tonio.TlsIdentity(chain, key, password or b"")
        except ValueError as failure:
            raise ValueError(f"load_cert_chain(): {_named(certfile)}{failure}") from None
        self._add(_identities=(identity,))

    def load_verify_locations(
        self,
        cafile: _Source | None = None,
        capath: StrOrBytesPath | None = None,
        cadata: str | bytes | None = None,
    ) -> None:
        """Adds certificates to trust, and revocation lists: from a file, from the files in a
        folder, or from data (str: PEM, bytes: PEM or DER). They take the place of the
        system's; load_default_certs() adds those."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("load_verify_locations() needs cafile, capath or cadata")
        if isinstance(cadata, str):
            cadata = cadata.encode("ascii")
        if cafile is not None:
            self._trust(_data(cafile), _named(cafile))
        if cadata is not None:
            if not isinstance(cadata, (bytes, bytearray, memoryview)):
                raise TypeError(f"cadata must be str or bytes, not {type(cadata).__name__}")
            self._trust(bytes(cadata), "cadata: ")
        if capath is not None:
            for entry in sorted(os.scandir(os.fsdecode(capath)), key=lambda entry: entry.name):
                if entry.is_file():
                    self._trust(_data(entry.path), _named(entry.path))

    def load_default_certs(self, purpose: object = None) -> None:
        """Adds the certificates that the system trusts ($SSL_CERT_FILE and $SSL_CERT_DIR, or
        the distribution's). Without any loaded it is done by itself. `purpose` is for
        ssl.SSLContext's callers; it makes no difference."""
        self._add(_certificates=tuple(_tonio.tls_system_trust()))

    if TYPE_CHECKING:

        @overload
        def get_ca_certs(self, binary_form: Literal[False] = False) -> list[dict[str, Any]]: ...
        @overload
        def get_ca_certs(self, binary_form: Literal[True]) -> list[bytes]: ...

    def get_ca_certs(self, binary_form: bool = False) -> list[bytes] | list[dict[str, Any]]:
        """The certificates that were loaded to be trusted: dicts, or DER bytes."""
        with self._lock:
            loaded = self._certificates
        if binary_form:
            return list(loaded)
        return [certificate_dict(der) for der in loaded]

    def _trust(self, data: bytes, name: str) -> None:
        try:
            certificates, lists = _tonio.tls_load_trust(data)
        except ValueError as failure:
            raise ValueError(f"load_verify_locations(): {name}{failure}") from None
        self._add(_certificates=tuple(certificates), _revocation_lists=tuple(lists))

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self.__dict__.update(changes, _config=None)

    def _add(self, **more: tuple[Any, ...]) -> None:
        with self._lock:
            for name, items in more.items():
                setattr(self, name, getattr(self, name) + items)
            self._config = None

    def _engine(
        self, server_side: bool, server_hostname: str, https_compatible: bool
    ) -> _tonio.TlsEngine:
        """A new connection's engine (ValueError when the context is not fit for it)."""
        if server_side != self._server_side:
            kind, other = ("server", "True") if server_side else ("client", "False")
            raise ValueError(f"a TLS {kind} needs a TLSContext(server_side={other})")
        with self._lock:
            if self._config is None:
                trusted = self._certificates
                if not trusted and self._verify_mode != _CERT_NONE and not self._server_side:
                    trusted = tuple(_tonio.tls_system_trust())
                self._config = _tonio.TlsConfig(
                    server_side=self._server_side,
                    verify_mode=self._verify_mode,
                    check_hostname=self._check_hostname,
                    minimum_version=self._minimum,
                    maximum_version=self._maximum,
                    alpn=self._alpn,
                    identities=self._identities,
                    certificates=trusted,
                    revocation_lists=self._revocation_lists,
                )
            config = self._config
        return _tonio.TlsEngine(config, server_hostname, https_compatible)


def self_signed_certificate(
    *names: str, days: float = 30, rsa: bool = False
) -> tuple[bytes, bytes]:
    """Makes a certificate for host names and addresses, which signs itself, and its key
    (ECDSA P-256, or RSA with 2048 bits): (certificate, key), each PEM bytes. For development
    and tests: nobody trusts it who hasn't loaded it (load_verify_locations)."""
    for name in names:
        if not isinstance(name, str):
            kind = type(name).__name__
            raise TypeError(f"self_signed_certificate(): a name must be str, not {kind}")
    return _tonio.tls_self_signed(names, days, rsa)


def certificate_dict(der: bytes) -> dict[str, Any]:
    """A certificate as ssl.SSLSocket.getpeercert() gives it."""
    info = _tonio.tls_certificate_info(der)
    for name in "subject", "issuer":
        info[name] = tuple((pair,) for pair in info[name])
    info["subjectAltName"] = tuple(info["subjectAltName"])
    return info


_default: TLSContext | None = None


def default_client_context() -> TLSContext:
    """The context of clients that name none; one for all, so that sessions are resumed."""
    global _default
    if _default is None:
        _default = TLSContext()
    return _default


def _version(version: int | str, name: str) -> int:
    number = _VERSIONS.get(version, version) if isinstance(version, str) else version
    if number == _MINIMUM_SUPPORTED:
        return _VERSIONS["TLSv1.2"]
    if number == _MAXIMUM_SUPPORTED:
        return _VERSIONS["TLSv1.3"]
    if number not in _VERSIONS.values():
        raise ValueError(f"{name} must be TLSv1.2 or TLSv1.3, not {version!r}")
    return int(number)


def _data(source: _Source) -> bytes:
    if isinstance(source, bytes):
        return source
    # open() would take a number for a descriptor.
    with open(os.fspath(source), "rb") as file:
        return file.read()


def _named(source: _Source) -> str:
    return "" if isinstance(source, bytes) else f"{os.fsdecode(source)}: "
