"""One module per benchmark: `contests(setting)` gives what it measures."""

from benchmarks import echo, million, startup

# In the order in which they run; a name is what --only takes.
ALL = {"million": million, "echo": echo, "startup": startup}
