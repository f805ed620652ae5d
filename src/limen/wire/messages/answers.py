"""What any process may answer: that it is done, or why it could not be."""

from __future__ import annotations

from dataclasses import dataclass

from limen import errors
from limen.wire.frame import FAILED, Message

_FAILURES: dict[int, type[errors.LimenError]] = {
    1: errors.LimenError,
    2: errors.BadInput,
    3: errors.BadImage,
    4: errors.BadFile,
    5: errors.BadTemplate,
    6: errors.BadMessage,
    7: errors.Refused,
    8: errors.NotAllowed,
    9: errors.NotFound,
    10: errors.Unavailable,
    11: errors.KeyUnavailable,
    12: errors.Damaged,
}


@dataclass(frozen=True)
class Failed(Message, kind=FAILED, layout="B", tail=400):
    """The request could not be served: error class, and a sentence without content (UTF-8)."""

    failure: int
    tail: bytes

    @classmethod
    def of(cls, error: errors.LimenError) -> Failed:
        """The message that carries this error."""
        code = next((c for c, t in _FAILURES.items() if type(error) is t), 1)
        return cls(code, str(error).encode()[:400])

    def error(self) -> errors.LimenError:
        """The error to raise on the other side."""
        return _FAILURES.get(self.failure, errors.LimenError)(self.tail.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Done(Message, kind=2):
    """Done; nothing else to say."""
