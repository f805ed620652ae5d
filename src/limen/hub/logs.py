"""Logs: one JSON object a line, on standard error. They name events and codes, never people, captures or keys.

An unexpected exception is logged by its type and where it arose; its message and the values around it may quote a
capture and are left out.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from types import TracebackType
from typing import Any, BinaryIO

import structlog

_FRAMES = 5  # innermost places of an exception that are named


def configure(part: str) -> None:
    """Set up structlog, the standard library's logging and uncaught exceptions for this process."""
    structlog.configure(
        processors=_processors(part),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)
    sys.excepthook = _uncaught


def logger(part: str, file: BinaryIO) -> structlog.typing.FilteringBoundLogger:
    """A logger of the same form into a file, without touching how this process logs otherwise."""
    processors: list[structlog.typing.Processor] = [
        *_processors(part)[:-1],
        structlog.processors.JSONRenderer(serializer=_bytes),
    ]
    bound: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return bound


def _bytes(event: dict[str, Any], **options: Any) -> bytes:
    return json.dumps(event, **options).encode()


def _processors(part: str) -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Part(part),
        _without_messages,
        structlog.processors.JSONRenderer(),
    ]


class _Part:
    def __init__(self, part: str) -> None:
        self._part = part

    def __call__(self, _: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"part": self._part, **event}


class _ToStructlog(logging.Handler):
    """Libraries' warnings, by logger and place; with their text only where the logger is ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno,
            "a library complained",
            logger=record.name,
            where=f"{record.module}:{record.lineno}",
            **({"why": _kind(record.exc_info[1])} if record.exc_info and record.exc_info[1] else {}),
        )


def _without_messages(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replace `exc_info` by the exception's type and places."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["why"] = _kind(error)
    return event


def _kind(error: BaseException) -> str:
    places = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " < ".join(
        [type(error).__name__, *(f"{place.filename.rpartition('/')[2]}:{place.lineno}" for place in reversed(places))]
    )


def _uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    structlog.get_logger().critical("unexpected error", exc_info=error)
