"""The text with which programs begin that ask for their end in several ways."""

START = """
import os, signal, sys, threading, tonio

# Of the signal that comes second.
number = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else None

def send(signal_number):
    # To the process, whose main thread waits.
    os.kill(os.getpid(), signal_number)

def say(text):
    # One write: several threads have something to say.
    os.write(1, (text + "\\n").encode())

def fails(*_):
    raise ValueError("the handler's")

signal.signal(signal.SIGUSR1, fails)

# Between two signals the main thread has time to hear the first.
def cleans_up(*numbers, seconds=0.3):
    try:
        cleaning.set()
        yield tonio.sleep(3600)
    finally:
        for number in numbers:
            send(number)
            yield tonio.sleep(seconds)
        say("cleaned up")

def leave(coroutine):
    # An earlier one of this program has set it.
    cleaning.clear()
    tonio.spawn.without_tracking(coroutine)
    yield cleaning.wait()

# Set by whoever cleans up at its end.
cleaning = tonio.Event()
"""
