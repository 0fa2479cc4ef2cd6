"""A plain Python that can't stop everything, or is interrupted while it stops, leaves with the exit
code of the program, and has called the atexit callbacks once."""

import signal

from case import TONIO, LauncherCase, main

# Leaves a blocking call that is deaf to being cancelled.
PROGRAM = """
import atexit, os, signal, sys, threading, tonio

atexit.register(print, "callback")
never, _ = os.pipe()

def deaf(begun):
    while True:
        try:
            begun.set()
            os.read(never, 1)
        except BaseException:
            pass

async def waits(begun):
    await tonio.spawn_blocking(deaf, begun)

async def leave():
    begun = tonio.Event()
    tonio.spawn.without_tracking(waits(begun))
    await begun.wait()

async def leave_by(signal):
    await leave()
    os.kill(os.getpid(), signal)
    await tonio.sleep(3600)

async def leave_with(code):
    await leave()
    sys.exit(code)
"""
ENDINGS = {
    "tonio.run(leave())": 0,
    "tonio.run(leave()); sys.exit(7)": 7,
    "tonio.run(leave()); sys.exit()": 0,
    "tonio.run(leave()); sys.exit('in words')": 1,
    "tonio.run(leave()); raise LookupError": 1,
    "tonio.run(leave()); raise KeyboardInterrupt": -signal.SIGINT,
    "tonio.run(leave_with(7))": 7,
    "tonio.run(leave_by(signal.SIGTERM))": 128 + signal.SIGTERM,
    "tonio.run(leave_by(signal.SIGINT))": -signal.SIGINT,
    "class Exit(SystemExit): pass\ntonio.run(leave())\nraise Exit(5)": 5,
    # It is read, but nobody leaves with it.
    "try: tonio.run(leave_with(7))\nexcept SystemExit as exit: exit.code": 0,
    "try: tonio.run(leave_with(7))\nexcept SystemExit: 1 / 0": 1,
    "sys.excepthook = lambda *_: sys.exit(9)\ntonio.run(leave())\nraise LookupError": 9,
}
# Leaves a task that interrupts the end, and ends when that was heard.
INTERRUPTS = """
import atexit, os, signal, sys, tonio

atexit.register(print, "callback")
heard = tonio.Event()

def hear(*_):
    heard.set()
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, hear)

async def cleans(begun):
    begun.set()
    try:
        await tonio.sleep(3600)
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        await heard.wait()
        print("clean")

async def leave():
    begun = tonio.Event()
    tonio.spawn.without_tracking(cleans(begun))
    await begun.wait()

tonio.runtime().run_until_complete(leave())
"""
INTERRUPTED_ENDINGS = {
    "pass": (-signal.SIGINT, 1),
    "raise LookupError": (-signal.SIGINT, 1),
    "raise KeyboardInterrupt": (-signal.SIGINT, 1),
    "sys.exit(7)": (7, 0),
    "sys.exit()": (0, 0),
}


class PlainPythonLeft(LauncherCase):
    def check(self, *command, code, threads, **options):
        env = {"TONIO_THREADS": threads, "TONIO_SHUTDOWN_TIMEOUT": "0.1"}
        done = self.command(*command, env=env, **options)
        self.assertEqual((done.returncode, done.stdout), (code, "callback\n"), done.stderr)
        self.assertRegex(
            done.stderr,
            r"tonio: leaving without what didn't stop in time \(--shutdown-timeout\):\n"
            r"  blocking call of deaf, spawned at .* in waits\n\Z")

    def test_a_command(self):
        for threads in ("1", "2", "8"):
            for ending, code in ENDINGS.items():
                with self.subTest(threads=threads, ending=ending):
                    self.check(TONIO, "-c", PROGRAM + ending, code=code, threads=threads)

    def test_modules_scripts_and_standard_input(self):
        python = self.folder / "python3"
        python.symlink_to(TONIO)
        for threads, (ending, code) in zip(("1", "2", "8") * len(ENDINGS), ENDINGS.items()):
            self.write("mod.py", PROGRAM + ending)
            for command in ((TONIO, "-m", "mod"), (TONIO, "-B", "mod.py"), (python, "mod.py")):
                with self.subTest(threads=threads, ending=ending, command=command):
                    self.check(*command, code=code, threads=threads)
            with self.subTest(threads=threads, ending=ending, command="-"):
                self.check(TONIO, "-", code=code, threads=threads, input=PROGRAM + ending + "\n")

    def test_an_interrupted_stop(self):
        for threads in ("1", "2", "8"):
            for ending, (code, shown) in INTERRUPTED_ENDINGS.items():
                with self.subTest(threads=threads, ending=ending):
                    env = {"TONIO_THREADS": threads, "TONIO_SHUTDOWN_TIMEOUT": "600"}
                    done = self.tonio("-c", INTERRUPTS + ending, env=env)
                    self.assertEqual((done.returncode, done.stdout), (code, "callback\nclean\n"), done.stderr)
                    self.assertEqual(done.stderr.count("\nKeyboardInterrupt\n"), shown, done.stderr)


main()
