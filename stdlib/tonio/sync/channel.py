"""Channels: messages between tasks, with any number of senders and receivers.

channel(n) holds up to n messages, and sending suspends while it is full; unbounded() holds
any number. Both give a pair (sender, receiver). Messages are received in the order in which
they were sent, each once.
"""

from _tonio import Receiver, Sender, UnboundedSender, channel, unbounded

__all__ = ["Receiver", "Sender", "UnboundedSender", "channel", "unbounded"]
