"""Readiness of descriptors that other code reads and writes."""

from _tonio import Registration
from _tonio import register_descriptor as register

__all__ = ["Registration", "register"]
