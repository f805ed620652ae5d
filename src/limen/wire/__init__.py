"""What the processes say to each other: framed, fixed-layout, size-checked messages. Nothing is ever pickled."""

from limen.wire.frame import Message, receive, send

__all__ = ["Message", "receive", "send"]
