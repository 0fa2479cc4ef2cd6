"""tls_echo_client.py SIZE CONNECTIONS WARM_UP_S SECONDS HOST PORT SERVER_PID: load for the
TLS echo servers; prints a JSON object."""

import json
import socket
import ssl
import sys
import time

size, connections, warm_up, seconds, host, port, pid = sys.argv[1:]
size, connections, port, pid = int(size), int(connections), int(port), int(pid)
# The CPU clock of a process (clock_getcpuclockid(3)).
server_clock = (~pid << 3) | 2

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.minimum_version = ssl.TLSVersion.TLSv1_3
streams = []
for _ in range(connections):
    plain = socket.create_connection((host, port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    streams.append(context.wrap_socket(plain))
assert {stream.cipher()[0] for stream in streams} == {"TLS_AES_256_GCM_SHA384"}
data = bytes(range(256)) * (size // 256)
buffer = bytearray(size)
view = memoryview(buffer)


def rounds(until):
    """Every stream in turn has a request under way while the others are served."""
    count = 0
    while time.monotonic() < until:
        for stream in streams:
            stream.sendall(data)
        for stream in streams:
            got = 0
            while got < size:
                got += stream.recv_into(view[got:])
            assert buffer == data
        count += len(streams)
    return count


rounds(time.monotonic() + float(warm_up))
start, cpu = time.monotonic(), time.clock_gettime(server_clock)
count = rounds(start + float(seconds))
cpu = time.clock_gettime(server_clock) - cpu
elapsed = time.monotonic() - start
print(json.dumps({"server_cpu_us": cpu / count * 1e6, "requests_per_s": count / elapsed}))
