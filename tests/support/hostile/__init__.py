"""Calls of the whole public surface with hostile arguments (tests/stress/test_hostile_calls.py).

surface.py finds what can be called, values.py has the arguments, guard.py keeps the machine
from harm, caller.py is the program that makes the calls.
"""
