"""Audit hooks of a script see the same events under tonio as under the interpreter that it
embeds, and those installed before the script begins (sitecustomize) see it begin."""

import json
import os

from case import LauncherCase, TONIO, main

PYTHON = os.environ["TONIO_PYTHON_EXECUTABLE"]

HOOK = """
import sys
_events = []
def _hook(event, args):
    _events.append(event)
sys.addaudithook(_hook)
"""

SCRIPT = """
import json, os, signal, socket, sqlite3, subprocess, tempfile, threading, urllib.parse

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    with open(path, "w") as file:
        file.write("x")
    os.chmod(path, 0o600)
    os.rename(path, path + "2")
    os.listdir(folder)
    os.remove(path + "2")
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
    datagrams.sendto(b"x", server.getsockname())
client.close()
server.close()
socket.gethostname()
subprocess.run(["true"], check=True)
exec(compile("1 + 1", "<text>", "exec"))
eval("1 + 1")
os.system("true")
thread = threading.Thread(target=int)
thread.start()
thread.join()
sys._getframe()
os.putenv("TONIO_TEST_AUDIT", "1")
import ctypes
ctypes.CDLL(None)
try:
    compile("1 +", "<text>", "exec")
except SyntaxError:
    pass
for event in sorted(set(_events)):
    print(event)
"""

# The same with arguments, of what the script itself does with files, sockets and processes; the
# first round imports what these need. Descriptors and ports have other numbers in each process.
ARGUMENTS = """
import json, os, re, socket, subprocess, sys

def act():
    os.mkdir("made")
    with open("made/file", "w") as file:
        file.write("x")
    os.close(os.open("made/file", os.O_RDONLY))
    os.truncate("made/file", 0)
    os.chmod("made/file", 0o600)
    os.rename("made/file", "made/other")
    os.listdir("made")
    os.remove("made/other")
    os.rmdir("made")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address), socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"x", address)
            socket.gethostbyname("127.0.0.1")
    subprocess.run(["true"], check=True, stdin=subprocess.DEVNULL)
    subprocess.run("exit 0", shell=True, cwd="/", env={"PATH": os.defpath})
    os.system("true")

def hook(event, args):
    if event == "open" or event.startswith(("os.", "socket.", "subprocess.")):
        shown = re.sub(r"(fd=|'127.0.0.1', )[1-9][0-9]*", r"\1N", repr(args))
        events.append((event, shown))

events = []
sys.addaudithook(hook)
act()
events.clear()
act()
print(json.dumps(events))
"""


class Audit(LauncherCase):
    def printed(self, *command, **options):
        done = self.command(*command, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def events(self, *command, **options):
        return set(self.printed(*command, **options).split())

    def both(self, script, **options):
        ours = self.events(TONIO, "run", script, **options)
        theirs = self.events(PYTHON, script, **options)
        return ours, theirs

    def test_what_a_script_does(self):
        ours, theirs = self.both(self.write("script.py", HOOK + SCRIPT))
        self.assertEqual(ours, theirs)
        # That it is worth comparing.
        self.assertLessEqual(
            {"open", "socket.connect", "socket.bind", "socket.sendto", "subprocess.Popen", "import",
             "exec", "compile", "os.chmod", "os.rename", "os.system"}, ours)  # fmt: skip

    def test_with_which_arguments(self):
        script = self.write("script.py", ARGUMENTS)
        ours, theirs = (json.loads(self.printed(*command, script))
                        for command in ((TONIO, "run"), (PYTHON,)))  # fmt: skip
        self.assertEqual(ours, theirs)
        # That it is worth comparing.
        names = {name for name, _ in ours}
        self.assertLessEqual(
            {"open", "os.mkdir", "os.chmod", "os.remove", "os.system", "socket.__new__", "socket.bind",
             "socket.connect", "socket.sendto", "socket.getaddrinfo", "subprocess.Popen"}, names)  # fmt: skip
        self.assertIn(["os.rename", "('made/file', 'made/other', -1, -1)"], ours)

    def test_from_the_beginning(self):
        self.write("sitecustomize.py", HOOK + "import builtins\nbuiltins._events = _events\n")
        script = self.write("script.py", "import sys\nprint(*sorted(set(_events)))\n")
        ours, theirs = self.both(script, env={"PYTHONPATH": str(self.folder)})
        self.assertIn("cpython.run_file", theirs)
        self.assertLessEqual(theirs, ours)

    def test_a_hook_stops_the_script(self):
        self.write("sitecustomize.py", HOOK + '''
def _refuse(event, args):
    if event == "cpython.run_file":
        raise RuntimeError("no scripts")
sys.addaudithook(_refuse)
''')
        script = self.write("script.py", "print('has run')\n")
        for command in (TONIO, "run"), (PYTHON,):
            done = self.command(*command, script, env={"PYTHONPATH": str(self.folder)})
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("no scripts", done.stderr)


main()
