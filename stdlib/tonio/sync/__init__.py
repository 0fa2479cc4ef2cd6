"""What tasks coordinate with: Lock, Semaphore, Barrier, and channels (tonio.sync.channel).

What suspends is to be yielded or awaited; everything else may be called from any thread.
"""

from _tonio import Barrier, Lock, Semaphore

from . import channel

__all__ = ["Barrier", "Lock", "Semaphore", "channel"]
