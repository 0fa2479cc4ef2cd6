"""Echo over TLS 1.3: requests of a fixed size, answered with the same bytes.

The load client is a Python program on the ssl module, and so OpenSSL; it has a core for
itself, and takes one connection after the other. It names the cipher, so both servers use
the same one: AES-256-GCM. It reads the server's CPU clock at the end of the warm-up and at
the end, so that CPU per request covers exactly the requests that it counted, and no handshake.
"""

import subprocess

from benchmarks.echo import WARM_UP_S, served
from harness.contest import Column, Contest, Contestant, RatioColumn
from harness.setting import Unusable

PROTOCOL = "asyncio ssl Protocol"
CONNECTIONS = 16


def repeats(setting):
    return setting.repeat


def contests(setting):
    certificate, key = make_certificate(setting.build_dir)
    for size in setting.sizes:
        load = setting.python.program("tls_echo_client.py", size, CONNECTIONS, WARM_UP_S, setting.seconds)
        yield Contest(
            f"tls_echo: {size / 1024:g} KiB, {CONNECTIONS} connections, TLS 1.3, AES-256-GCM",
            list(contestants(setting, load, certificate, key)),
            [
                Column("server_cpu_us", "CPU us/req", digits=2, minimum=True),
                Column("requests_per_s", "req/s", digits=0),
            ],
            [RatioColumn("x Protocol", "Protocol", "server_cpu_us")],
        )


def contestants(setting, load, certificate, key):
    for notation in "yield", "await":
        argv = setting.tonio_program("tls_echo_tonio.py", 1, notation, certificate, key)
        yield Contestant(
            f"tonio, {notation}, 1t",
            served(setting, argv, None, 1, load),
            {"Protocol": PROTOCOL},
            setting.tonio_missing,
        )
    argv = setting.tonio_program("tls_echo_tonio.py", 1, "stdlib", certificate, key)
    yield Contestant(
        "tonio, ssl.SSLContext, 1t",
        served(setting, argv, None, 1, load),
        {"Protocol": PROTOCOL},
        setting.tonio_missing,
    )
    argv = setting.python.program("tls_echo_asyncio.py", certificate, key)
    yield Contestant(PROTOCOL, served(setting, argv, None, 1, load))


def make_certificate(folder):
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "tls.pem", folder / "tls.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost", "-days", "30", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unusable(f"tls_echo needs the openssl program: {error}") from None
    return certificate, key
