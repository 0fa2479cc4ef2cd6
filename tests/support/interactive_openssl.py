"""openssl s_client and s_server as their user at a terminal has them: data goes to their
standard input, and lines that begin with certain letters are commands."""

import re
import subprocess
import threading

from peers import Peer, needs
from tls_servers import HOST, authority

# What they say when a command for a KeyUpdate is done.
_DONE = {"s_client": b"KEYUPDATE\n", "s_server": b"SSL_do_handshake -> 1\n"}
# Among the data: that, and that a record came without data.
_REMARKS = re.compile(rb"KEYUPDATE\n|SSL_do_handshake -> 1\n|read R BLOCK\n|Read BLOCK\n")


class InteractiveOpenSSL(Peer):
    """`program` is "s_client" or "s_server"; TLS 1.3 with this suite only. The methods
    block: call them by way of spawn_blocking()."""

    def __init__(self, program, *options, suite, pattern=None):
        # The commands' answers are printed, which goes through a buffer.
        command = ("stdbuf", "-oL", needs("openssl"), program, "-tls1_3", "-ciphersuites", suite)
        super().__init__(*command, *options, pattern=pattern, stdin=subprocess.PIPE)
        self._done = _DONE[program]
        self._said = bytearray()
        self._ended = False
        self._changed = threading.Condition()

    @classmethod
    def server(cls, issued, suite):
        """Listens on `port`."""
        options = ("-accept", f"{HOST}:0", "-cert", issued.certificate, "-key", issued.key)
        return cls("s_server", *options, suite=suite, pattern=r"ACCEPT \S+:(\d+)")

    @classmethod
    def client(cls, port, suite):
        options = ("-connect", f"{HOST}:{port}", "-CAfile", authority().certificate)
        return cls("s_client", *options, suite=suite)

    def __enter__(self):
        super().__enter__()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _read(self):
        while piece := self.process.stdout.read1():
            with self._changed:
                self._said += piece
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def say(self, data):
        """Sends it; it should begin with no letter, lest it is a command."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def update_key(self, request):
        """Nothing else may be on its way to the program."""
        with self._changed:
            before = len(self._said)
        self.say(b"K\n" if request else b"k\n")
        self._wait(lambda said: said.find(self._done, before) >= 0)

    def wait_for(self, data):
        """Until the other side has sent this, and nothing else in between."""
        self._wait(lambda said: len(said) >= len(data) and data in _REMARKS.sub(b"", said))

    def _wait(self, condition):
        with self._changed:
            self._changed.wait_for(lambda: condition(self._said) or self._ended, 30)
            if not condition(self._said):
                raise AssertionError(f"{self._command[2:4]} said {bytes(self._said[-2000:])!r}")
