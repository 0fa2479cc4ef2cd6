"""The command line that the network samples share."""

import argparse


def port_number(text):
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a port number, 0 to 65535, not {text!r}")
    return int(text)


def network_parser(description, port=7000):
    """A parser with --host and --port."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port_number, default=port)
    return parser


def say_listening(listeners):
    """One line for each address; port 0 has become a free one."""
    for listener in listeners:
        host, port = listener.socket.getsockname()[:2]
        print(f"listening on {host}:{port}", flush=True)
