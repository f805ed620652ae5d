"""Parts for a command that needs them while no hub is running: `limen records import` seals with vault and opener."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from limen.errors import Unavailable
from limen.hub.supervisor import Hub, running
from limen.settings import Settings


@contextmanager
def temporary(settings: Settings, parts: Iterable[str], *, passphrase: bytes = b"") -> Iterator[None]:
    """Have these parts' sockets served: by the running hub, else by parts that are started now and stopped after.

    Args:
        settings: of the hub.
        parts: names, such as ["vault", "opener"].
        passphrase: of the keys, should they need one and no file hold it.

    Raises:
        Unavailable: a part cannot start.
    """
    if running(settings):
        yield
        return
    hub = Hub(settings, parts, passphrase=passphrase)
    try:
        hub.start()
    except Unavailable:
        if running(settings):  # a hub was started in the same moment
            yield
            return
        raise
    try:
        yield
    finally:
        hub.stop()
