"""Networking."""

from . import socket

__all__ = ["socket"]
