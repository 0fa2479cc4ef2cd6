"""One module per benchmark: `contests(setting)` gives what it measures."""

from benchmarks import blocking, echo, files, http, lock, million, pingpong, startup, tls_echo

# In the order in which they run; a name is what --only takes.
ALL = {
    "million": million,
    "echo": echo,
    "tls_echo": tls_echo,
    "http": http,
    "lock": lock,
    "pingpong": pingpong,
    "blocking": blocking,
    "files": files,
    "startup": startup,
}
