"""Calls of the whole public surface with hostile arguments (tests/stress/test_hostile_calls.py).

surface.py finds what can be called, values.py has the arguments, naturals.py the calls of a
program, calls.py decides which is next, judge.py what may come out of it, guard.py keeps the
machine from harm, caller.py is the program that makes the calls.
"""
