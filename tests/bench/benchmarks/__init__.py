"""One module per benchmark: `contests(setting)` gives what it measures."""

from benchmarks import (
    blocking,
    channel,
    echo,
    files,
    growth,
    http,
    idle,
    lock,
    million,
    pingpong,
    spawn,
    startup,
    timers,
    tls_echo,
    tree,
)

# In the order in which they run; a name is what --only takes.
ALL = {
    "million": million,
    "tree": tree,
    "echo": echo,
    "tls_echo": tls_echo,
    "http": http,
    "lock": lock,
    "pingpong": pingpong,
    "spawn": spawn,
    "channel": channel,
    "timers": timers,
    "blocking": blocking,
    "files": files,
    "startup": startup,
    "idle": idle,
    "growth": growth,
}
