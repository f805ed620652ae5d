"""The hub as a whole: four processes started, watched, restarted and stopped together.

`Hub` runs one in the background (tests, demo); `limen serve` runs one until Ctrl-C; `parts.temporary` lends single
parts to a command while no hub is running.
"""

from limen.hub.supervisor import Hub

__all__ = ["Hub"]
