"""Which exceptions may come out of a call, and which are our mistake."""

import dis
import inspect
import os
import pathlib
import re
import subprocess

import tonio

from .values import HOSTILE

# What the package documents, with what is derived of it.
DOCUMENTED = (
    TypeError,
    ValueError,
    OverflowError,
    OSError,
    RuntimeError,
    MemoryError,
    # Of an argument's buffer, and of a BytesIO whose buffer is held, as the standard library has it.
    BufferError,
    tonio.exceptions.CancelledError,
    tonio.exceptions.WouldBlock,
    subprocess.SubprocessError,
)
# What comes out of calls of these names besides.
ALSO = {
    "__next__": StopIteration,
    "send": StopIteration,
    "__anext__": StopAsyncIteration,
    # Result.store(), whose index is outside.
    "store": IndexError,
    "__getattr__": AttributeError,
    "__setattr__": AttributeError,
    "__delattr__": AttributeError,
}
# An encoding of which Python knows nothing is a LookupError, but for those that are derived of it.
TAKES_ENCODING = ("open", "reconfigure", "read_text", "write_text")
# Our mistake, wherever it comes out and whatever it is the cause of.
NEVER = (SystemError, AssertionError, NameError)
# Our mistake where the interpreter raises it in a line of ours: it tells of the line and not of
# the argument.
NEVER_FROM_OURS = (AttributeError, KeyError, IndexError)
# The same of a TypeError. What says which type is wanted is for the caller.
OF_A_LINE = re.compile(
    "NoneType.* (is not (iterable|an iterator|callable|subscriptable)|has no len)"
    "|^cannot unpack .*NoneType|^unsupported operand .*NoneType|^'.*' not supported between .*NoneType"
)
RAISE = dis.opmap["RAISE_VARARGS"]
OUR_FILES = os.path.dirname(inspect.getsourcefile(tonio))


def faults(error, name, arguments=(), of_attribute=False):
    """Those in the group and in the causes of an exception that should not have come out of a call
    of that name."""
    pending, seen = [(error, True)], set()
    while pending:
        error, came_out = pending.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        is_group = isinstance(error, BaseExceptionGroup)
        if is_group:
            pending += [(part, came_out) for part in error.exceptions]
        pending.append((error.__cause__, False))
        if isinstance(error, NEVER) or _is_of_our_lines(error):
            yield error
        elif came_out and not is_group and not _is_documented(error, name, arguments, of_attribute):
            yield error


def _is_documented(error, name, arguments, of_attribute):
    if isinstance(error, DOCUMENTED) or any(part is HOSTILE for part in error.args):
        return True
    if isinstance(error, ALSO.get(name, ())) or (of_attribute and isinstance(error, AttributeError)):
        return True
    if isinstance(error, ModuleNotFoundError) and "needs the package" in str(error):
        # Of to_trio() and from_trio(), and of who waits for one.
        return True
    if _PRIVATE.match(name):
        # What the package itself calls documents nothing.
        return True
    if name in TAKES_ENCODING and type(error) is LookupError:
        return True
    if _comes_through(error, pathlib):
        # Whose errors those of the methods of tonio.fs.Path are, and what it lets through of an
        # argument of its own.
        return True
    if name == "throw" and arguments:
        # What is thrown in comes out.
        thrown = arguments[0] if isinstance(arguments[0], type) else type(arguments[0])
        return type(error) is thrown
    return False


def _comes_through(error, package):
    folder = os.path.dirname(inspect.getsourcefile(package))
    traced = error.__traceback__
    while traced is not None:
        if traced.tb_frame.f_code.co_filename.startswith(folder + os.sep):
            return True
        traced = traced.tb_next
    return False


def _is_of_our_lines(error):
    """Whether it comes of a line of ours that has not checked what a public call was given."""
    if not isinstance(error, NEVER_FROM_OURS):
        if not isinstance(error, TypeError) or not OF_A_LINE.search(str(error)):
            return False
    traced, public = error.__traceback__, None
    while traced is not None:
        code, at = traced.tb_frame.f_code, traced.tb_lasti
        ours = code.co_filename.startswith(OUR_FILES + os.sep)
        if ours and public is None:
            # A property of the same name is there if what is wrapped has one (TLSStream.socket).
            same = isinstance(error, AttributeError) and error.name == code.co_name
            public = not same and not _PRIVATE.search(code.co_qualname)
        traced = traced.tb_next
    # A `raise` of ours is a check.
    return bool(public and ours and code.co_code[at] != RAISE)


# _name, but not __init__
_PRIVATE = re.compile(r"(^|\.)_[^_]")
