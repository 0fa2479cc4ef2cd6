"""Certificates for tests, made with the openssl command line."""

import datetime
import ipaddress
import pathlib
import shutil
import subprocess
import tempfile
import weakref

_CONFIG = """\
[ca]
default_ca = tests
[tests]
database = {folder}/index
new_certs_dir = {folder}
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
"""


def openssl(*args, **options):
    """Runs openssl; gives its standard output."""
    ended = subprocess.run(
        ["openssl", *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, **options
    )
    if ended.returncode != 0:
        raise RuntimeError(f"openssl {args[0]} failed: {ended.stderr.decode()}")
    return ended.stdout


class Issued:
    """A certificate and its key, as paths of PEM files. `chain` has the issuers' too."""

    def __init__(self, folder, name):
        self.name = name
        self.key = folder / "key.pem"
        self.certificate = folder / "certificate.pem"
        self.chain = folder / "chain.pem"


class Authority(Issued):
    """Issues certificates; `issuer` is the authority above it, if there is one."""

    def __init__(self, name="Test authority", issuer=None):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="tonio-tls-"))
        weakref.finalize(self, shutil.rmtree, self._folder)
        self._issuer = issuer
        self._count = 0
        self._config = self._folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=self._folder))
        (self._folder / "index").touch()
        super().__init__(self._folder, name)
        self._make_key(self.key, "ec")
        extensions = {"basicConstraints": "critical,CA:TRUE", "keyUsage": "keyCertSign,cRLSign"}
        if issuer is None:
            self._sign(self, self, extensions, None, None, "-selfsign")
            self.chain.write_bytes(self.certificate.read_bytes())
        else:
            issuer._sign(self, issuer, extensions, None, None)
            self.chain.write_bytes(self.certificate.read_bytes())

    def issue(self, *names, key="ec", start=None, end=None, usage="digitalSignature", extended=None,
              digest="sha256"):  # fmt: skip
        """A certificate for DNS names and addresses. `key` is "ec", "rsa" or "rsa1024"; `start`
        and `end` are datetimes; `extended` is an extended key usage, such as "serverAuth"."""
        self._count += 1
        folder = self._folder / f"issued-{self._count}"
        folder.mkdir()
        issued = Issued(folder, names[0])
        # Whose folder it is in.
        issued.authority = self
        self._make_key(issued.key, key)
        extensions = {
            "basicConstraints": "CA:FALSE",
            "keyUsage": usage,
            "subjectAltName": ",".join(f"{_kind(name)}:{name}" for name in names),
        }
        if extended:
            extensions["extendedKeyUsage"] = extended
        self._sign(issued, self, extensions, start, end, digest=digest)
        issuers = self.chain.read_bytes() if self._issuer else b""
        issued.chain.write_bytes(issued.certificate.read_bytes() + issuers)
        return issued

    def revoke(self, issued):
        """Revokes a certificate, and gives the path of a revocation list (PEM)."""
        common = ("-config", self._config, "-keyfile", self.key, "-cert", self.certificate)
        openssl("ca", *common, "-revoke", issued.certificate)
        path = self._folder / "revoked.pem"
        openssl("ca", *common, "-gencrl", "-crldays", "1", "-out", path)
        return path

    def _make_key(self, path, kind):
        if kind.startswith("rsa"):
            bits = f"rsa_keygen_bits:{kind[3:] or 2048}"
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", bits, "-out", path)
        else:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def _sign(self, issued, issuer, extensions, start, end, *options, digest="sha256"):
        now = datetime.datetime.now(datetime.timezone.utc)
        start = start or now - datetime.timedelta(hours=1)
        end = end or now + datetime.timedelta(days=2)
        request = issued.certificate.with_suffix(".csr")
        lines = request.with_suffix(".ext")
        lines.write_text("".join(f"{name} = {value}\n" for name, value in extensions.items()))
        openssl(
            *("req", "-new", "-config", self._config, "-key", issued.key),
            *("-subj", f"/CN={issued.name}", "-out", request),
        )
        openssl(
            *("ca", "-batch", "-notext", "-config", self._config, "-md", digest, *options),
            *("-keyfile", issuer.key, *(() if options else ("-cert", issuer.certificate))),
            *("-startdate", f"{start:%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}"),
            *("-extfile", lines, "-in", request, "-out", issued.certificate),
        )


def _kind(name):
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "DNS"
    return "IP"
