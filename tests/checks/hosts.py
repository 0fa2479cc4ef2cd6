"""Checks that no file names a host of this machine's package registries: the
project takes them from the machine's own configuration.

    hosts.py ROOT | hosts.py --self-test
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

CONFIGURATION = (
    ["apt-get", "indextargets", "--format", "$(SITE)"],
    ["pip", "config", "get", "global.index-url"],
    ["npm", "config", "get", "registry"],
)
SKIPPED = {".git", "build", ".cache", "__pycache__", ".venv"}


def configured_hosts():
    hosts = set()
    for command in CONFIGURATION:
        try:
            out = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        hosts.update(hosts_of(out))
    return hosts


def hosts_of(text):
    found = re.findall(r"^[a-z+]+://(?:[^/\s@]*@)?([^/\s:]+)", text, re.M)
    return {host for host in found if "." in host and not host.startswith("127.")}


def problems(root, hosts):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(files):
            path = pathlib.Path(folder, name)
            if path.is_symlink():
                continue
            text = path.read_bytes()
            for host in hosts:
                at = text.find(host.encode())
                if at >= 0:
                    line = text.count(b"\n", 0, at) + 1
                    yield f"{path.relative_to(root)}:{line}: names the registry host {host}"


def self_test():
    hosts = hosts_of("http://user:pw@mirror.example.org:8080/debian\nhttps://packages.example.com\nfile:/x\nhttp://127.0.0.1/\n")
    assert hosts == {"mirror.example.org", "packages.example.com"}, hosts
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "a.txt").write_text("example.org is fine\n")
        assert not list(problems(root, hosts))
        (root / "b.txt").write_text("one\nsee http://mirror.example.org/\n")
        assert list(problems(root, hosts)) == ["b.txt:2: names the registry host mirror.example.org"]


def main():
    if "--self-test" in sys.argv:
        return self_test()
    found = list(problems(pathlib.Path(sys.argv[1]), configured_hosts()))
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


main()
