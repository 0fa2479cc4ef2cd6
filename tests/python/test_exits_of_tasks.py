"""A task asks for the end of the program by sys.exit() while other threads have runs, begin some or
are joined: its code counts, unless a signal comes later; nothing is raised twice or lost."""

import signal
import unittest

from asked_ends import START
from programs import run_program

# A task asks for the end while the program waits for a thread.
TASK = START + """
def asks():
    sys.exit(4)
    yield

def serves():
    tonio.spawn.without_tracking(asks())
    yield from cleans_up()

def work():
    try:
        tonio.block_on(serves())
    except tonio.exceptions.CancelledError:
        say("thread")

joined = threading.Event()
threading.Thread(target=lambda: joined.wait() and work(), daemon=False).start()
threading._register_atexit(joined.set)
"""
# A thread's run, while the program waits for threads, disturbs none that others have begun since.
RUN_IN_JOIN = START + """
def first():
    interrupted.wait()
    tonio.block_on(whole())
    say("first")

def whole():
    begun.set()
    yield ran.wait()

def second():
    interrupted.wait()
    while not begun.is_set():
        pass
    tonio.runtime().run_until_complete(tonio.sleep(0.1))
    say("second")
    tonio.block_on(sets())

def sets():
    ran.set()
    yield

def main():
    tonio.spawn.without_tracking(stays())
    yield tonio.sleep(0.01)
    send(signal.SIGINT)
    yield tonio.sleep(3600)

def stays():
    while True:
        try:
            yield tonio.sleep(3600)
        except tonio.exceptions.CancelledError:
            pass

interrupted, begun, ran = threading.Event(), tonio.Event(), tonio.Event()
for target in first, second:
    threading.Thread(target=target, daemon=False).start()
threading._register_atexit(interrupted.set)
tonio.run(main())
"""
# While a thread is joined, to its end: signals, and a task that answers its cancellation with an exit.
JOINED = START + """
def answers(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    except tonio.exceptions.CancelledError:
        sys.exit(9)

def show(*failure):
    sys.__excepthook__(*failure)
    shown.set()

def work():
    joined.wait()
    *numbers, last = map(int, sys.argv[2:])
    for number in numbers:
        send(number)
        shown.wait()
    send(last)
    say("thread")

sys.excepthook = show
joined, shown = threading.Event(), threading.Event()
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)

def main():
    begun = tonio.Event()
    yield leave(cleans_up())
    if sys.argv[1] == "exits":
        tonio.spawn.without_tracking(answers(begun))
        yield begun.wait()

tonio.runtime().run_until_complete(main())
"""
# A task has asked for the end just before the program waits for a thread that does not end.
BEFORE_THE_JOIN = START + """
def asks():
    sys.exit(6)
    yield

try:
    tonio.runtime().run_until_complete(asks())
except SystemExit:
    pass
tonio.runtime().run_until_complete(leave(cleans_up()))

def exits():
    tonio.spawn.without_tracking(asks())
    yield tonio.sleep(0.1)

done = threading.Event()
helper = threading.Thread(target=lambda: (tonio.block_on(exits()), done.set()))
helper.start()
done.wait()
threading.Thread(target=threading.Event().wait, daemon=False).start()
"""
# In a thread's run, while that is joined.
RUN_OF_A_THREAD = START + """
def exits():
    tonio.spawn.without_tracking(asks())
    yield tonio.sleep(3600)

def asks():
    sys.exit(7)
    yield

def work():
    joined.wait()
    try:
        tonio.run(exits())
    except (SystemExit, tonio.exceptions.CancelledError):
        pass

joined = threading.Event()
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)
"""
# The same before a Ctrl-C that comes while that run ends.
RUN_BEFORE_A_SIGNAL = START + """
def serves():
    tonio.spawn.without_tracking(asks())
    yield from cleans_up(signal.SIGINT)

def asks():
    sys.exit(7)
    yield

def work():
    joined.wait()
    tonio.run(serves())

joined = threading.Event()
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)
"""
# In the last step a daemon thread's run, or its block_on, ends with it too.
DAEMON = START + """
def answers():
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        sys.exit(5)

begun = threading.Event()
threading.Thread(target=lambda: tonio.CALL(answers()), daemon=True).start()
begun.wait()
"""
# A thread raises what has ended its run, and the program shows what has ended the program.
TWO_OBJECTS = START + """
def work():
    joined.wait()
    try:
        tonio.CALL(asks())
    except KeyboardInterrupt as exception:
        seen.append(exception)

def asks():
    raise KeyboardInterrupt("of a task")
    yield

def show(kind, exception, traceback):
    thread.join()
    seen.append(exception)

seen = []
sys.excepthook = show
joined = threading.Event()
thread = threading.Thread(target=work, daemon=False)
thread.start()
threading._register_atexit(joined.set)
import atexit
atexit.register(lambda: say(f"{list(map(repr, seen))} {seen[0] is seen[-1]}"))
"""
# The code of these is not what their arguments say.
CODES_OF_THEIR_OWN = START + """
class Inits(SystemExit):
    def __init__(self):
        super().__init__("message")
        self.code = 5

class Sets(SystemExit):
    def __init__(self):
        self.code = 5

def changes():
    try:
        sys.exit("message")
    except SystemExit as exit:
        exit.code = 5
        return exit

def answers():
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        raise RAISED()

begun = tonio.Event()
def main():
    tonio.spawn.without_tracking(answers())
    yield begun.wait()

tonio.runtime().run_until_complete(main())
"""
# One exit ends the run, and before that returns a task that it has left asks as well.
CAUGHT_BEFORE = START + """
import time, warnings

warnings.simplefilter("error")

def asks():
    begun.set()
    while not reported.is_set():
        time.sleep(0.001)
    sys.exit(5)
    yield

def main():
    tonio.spawn.without_tracking(asks())
    yield begun.wait()
    sys.exit(3)

def hook(_):
    reported.set()
    while any(task.name == "asks" for task in tonio.tasks()):
        time.sleep(0.001)

begun, reported = tonio.Event(), threading.Event()
sys.unraisablehook = hook
try:
    tonio.run(main())
except SystemExit as exit:
    say(f"caught {exit.code}")
"""
# A task asks when the run of a daemon thread has heard another one, and does not return yet.
HEARD_BY_NOBODY = START + """
import atexit, time, warnings

warnings.simplefilter("error")

def late():
    begun.set()
    while not reporting.is_set():
        time.sleep(0.001)
    sys.exit(6)
    yield

def serves():
    tonio.spawn.without_tracking(late())
    yield begun.wait()
    sys.exit(3)

def hook(_):
    reporting.set()
    released.wait()

def work():
    try:
        tonio.run(serves())
    except SystemExit as exit:
        say(f"exit {exit.code}")
    over.set()

def saves():
    yield tonio.sleep(0.01)
    say("saved")

@atexit.register
def save():
    released.set()
    over.wait()
    tonio.run(saves())

begun, reporting = tonio.Event(), threading.Event()
released, over = threading.Event(), threading.Event()
sys.unraisablehook = hook
threading.Thread(target=work, daemon=True).start()
reporting.wait()
while any(task.name == "late" for task in tonio.tasks()):
    time.sleep(0.001)
"""
# The script is interrupted, and the thread that it joins then goes on with `work`.
CTRL_C = """
joined = threading.Event()
threading.Thread(target=work, daemon=False).start()
threading._register_atexit(joined.set)
tonio.runtime().run_until_complete(main())
send(signal.SIGINT)
signal.pause()
"""
# What a joined thread has begun since goes on beside a task's exit; and its run ends with one.
BEGUN_SINCE = START + """
def exits(code, begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        begun = tonio.Event()
        tonio.spawn.without_tracking(sets(begun))
        yield closing.wait()
        sys.exit(code)

def sets(begun):
    begun.set()
    yield

def closes():
    closing.set()
    yield tonio.sleep(0.3)
    say("closed")

def work():
    joined.wait()
    tonio.block_on(closes())

def main():
    begun = tonio.Event()
    tonio.spawn.without_tracking(exits(9, begun))
    yield begun.wait()

closing = tonio.Event()
""" + CTRL_C
RUN_SINCE = START + """
def asks():
    sys.exit(7)
    yield

def serves():
    tonio.spawn.without_tracking(asks())
    try:
        yield tonio.sleep(3600)
    finally:
        say("ended")
        ended.set()

def waits(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        yield ended.wait()

def work():
    joined.wait()
    try:
        tonio.run(serves())
    except SystemExit as exit:
        say(f"exit {exit.code}")

def main():
    begun = tonio.Event()
    tonio.spawn.without_tracking(waits(begun))
    yield begun.wait()

ended = tonio.Event()
""" + CTRL_C


class ExitsOfTasks(unittest.TestCase):
    def test_a_task_while_threads_are_joined(self):
        done = run_program(TASK)
        self.assertEqual((done.code, done.out, done.err), (4, "cleaned up\nthread\n", ""))

    def test_signals_while_threads_are_joined(self):
        usr1, interrupt, term = int(signal.SIGUSR1), int(signal.SIGINT), int(signal.SIGTERM)
        for task, numbers, code in (
            ("exits", [interrupt], 130),
            ("exits", [term], 143),
            ("exits", [usr1], 9),
            ("ends", [usr1, interrupt], 130),
            ("ends", [usr1, term], 143),
        ):
            with self.subTest(task=task, numbers=numbers):
                done = run_program(JOINED, args=[task, *map(str, numbers)])
                lines = sorted(done.out.splitlines())
                self.assertEqual((done.code, lines), (code, ["cleaned up", "thread"]), done.err)
                failures = done.err.count("ValueError: the handler's")
                self.assertEqual(failures, numbers.count(usr1), done.err)

    def test_a_task_before_threads_are_joined(self):
        done = run_program(BEFORE_THE_JOIN, "--shutdown-timeout", "1")
        self.assertEqual((done.code, done.out), (6, "cleaned up\n"), done.err)
        self.assertIn("leaving without", done.err)

    def test_a_thread_s_run(self):
        for _ in range(5):
            done = run_program(RUN_OF_A_THREAD, "--threads", "2")
            self.assertEqual((done.code, done.out, done.err), (7, "", ""))

    def test_a_thread_s_run_before_a_signal(self):
        done = run_program(RUN_BEFORE_A_SIGNAL, "--threads", "2", "--shutdown-timeout", "600")
        self.assertEqual((done.code, done.out, done.err), (7, "cleaned up\n", ""))

    def test_a_daemon_thread_in_the_last_step(self):
        for call in "run", "block_on":
            for _ in range(3):
                with self.subTest(call=call):
                    done = run_program(DAEMON.replace("CALL", call), "--threads", "2")
                    self.assertEqual((done.code, done.out, done.err), (5, "", ""))

    def test_a_thread_and_the_end_raise_two_objects(self):
        exception = repr(KeyboardInterrupt("of a task"))
        for call in "run", "block_on":
            with self.subTest(call=call):
                done = run_program(TWO_OBJECTS.replace("CALL", call))
                said = f"{[exception, exception]} False\n"
                self.assertEqual((done.code, done.out, done.err), (130, said, ""))

    def test_exits_with_codes_of_their_own(self):
        for raised in "Inits", "Sets", "changes":
            with self.subTest(raised=raised):
                done = run_program(CODES_OF_THEIR_OWN.replace("RAISED", raised))
                self.assertEqual((done.code, done.out, done.err), (5, "", ""))

    def test_an_exit_that_was_caught_before(self):
        options = "--threads", "2", "--shutdown-timeout", "0.3"
        done = run_program(CAUGHT_BEFORE, *options)
        self.assertEqual((done.code, done.out), (5, "caught 3\n"), done.err)

    def test_an_exit_that_no_run_hears(self):
        options = "--threads", "2", "--shutdown-timeout", "0.3"
        done = run_program(HEARD_BY_NOBODY, *options)
        self.assertEqual((done.code, done.out), (6, "exit 3\nsaved\n"), done.err)

    def test_what_a_thread_has_begun_since(self):
        done = run_program(BEGUN_SINCE, "--threads", "2")
        self.assertEqual((done.code, done.out), (130, "closed\n"), done.err)

    def test_a_run_that_a_thread_has_begun_since(self):
        done = run_program(RUN_SINCE, "--threads", "2", "--shutdown-timeout", "600")
        self.assertEqual((done.code, done.out), (130, "ended\nexit 7\n"), done.err)

    def test_a_thread_s_run_while_threads_are_joined(self):
        done = run_program(RUN_IN_JOIN, "--threads", "2", "--shutdown-timeout", "3")
        self.assertEqual((done.code, done.out), (130, "second\nfirst\n"), done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
