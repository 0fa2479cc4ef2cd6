"""Other programs that speak TLS, for tests: each in a process of its own."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import unittest

import tonio

# An interpreter without tonio: the binary acting as plain Python.
PYTHON = os.environ.get("TONIO_PYTHON_EXECUTABLE") or shutil.which("python3")


def needs(program):
    """Its path; skips the test where it is not installed."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if not path:
        raise unittest.SkipTest(f"{program} is not installed")
    return path


class Peer:
    """A program that runs for the time of the block. `pattern` is searched for in the lines
    of its output before the block begins; `port` is the group's number."""

    def __init__(self, *command, pattern=None, stdin=subprocess.DEVNULL):
        self._command = [str(part) for part in command]
        self._pattern = pattern
        self._stdin = stdin
        self.port = None

    def __enter__(self):
        self.process = subprocess.Popen(
            self._command, stdin=self._stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = b""
        while self._pattern:
            line = self.process.stdout.readline()
            said += line
            if not line:
                self.process.wait()
                raise RuntimeError(f"{self._command} ended: {said.decode()}")
            if found := re.search(self._pattern, line.decode()):
                self.port = int(found[1])
                break
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Script(Peer):
    """A Python program; its first line of output is the port that it listens on."""

    def __init__(self, text, *args):
        self._file = tempfile.NamedTemporaryFile("w", suffix=".py", prefix="tonio-peer-")
        self._file.write(textwrap.dedent(text))
        self._file.flush()
        super().__init__(PYTHON, "-u", self._file.name, *args, pattern=r"^(\d+)$")

    def __exit__(self, *error):
        super().__exit__(*error)
        self._file.close()


class Nginx:
    """nginx that serves a file over TLS for the time of the block."""

    def __init__(self, issued, port, content):
        # Kept, and its files with it.
        self._issued = issued
        self._folder = tempfile.TemporaryDirectory(prefix="tonio-nginx-")
        folder = pathlib.Path(self._folder.name)
        (folder / "html").mkdir()
        (folder / "html" / "file").write_bytes(content)
        folder.chmod(0o755)
        self._config = folder / "nginx.conf"
        self._config.write_text(f"""
            daemon off;
            user {"root" if os.geteuid() == 0 else "nobody"};
            master_process off;
            pid {folder}/pid;
            error_log stderr notice;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path {folder}/body;
                proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi;
                scgi_temp_path {folder}/scgi;
                server {{
                    listen 127.0.0.1:{port} ssl;
                    ssl_certificate {issued.chain};
                    ssl_certificate_key {issued.key};
                    ssl_protocols TLSv1.2 TLSv1.3;
                    root {folder}/html;
                }}
            }}
        """)

    def __enter__(self):
        # Its arguments' "-e stderr" keeps it off the system's log file.
        self.process = subprocess.Popen(
            [needs("nginx"), "-e", "stderr", "-c", self._config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        said = b""
        while b"start worker process" not in said and b"using the" not in said:
            line = self.process.stderr.readline()
            said += line
            if not line:
                raise RuntimeError(f"nginx ended: {said.decode()}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
        self._folder.cleanup()


def run(*command, input=None):
    """Suspends until the command has ended; gives what subprocess.run() does."""
    command = [str(part) for part in command]
    return tonio.spawn_blocking(
        subprocess.run, command, input=input, capture_output=True, timeout=60
    )
