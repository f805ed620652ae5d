"""The tree of Limen's errors.

Every error says what happened (`message`) and, where there is something to do, what (`advice`). `code` is a stable
slug that the HTTP API and `--json` outputs carry. Neither ever holds a biometric, a name, a key or a file's content.

LimenError
├── BadInput            the caller's input is wrong (HTTP 400/422)
│   ├── BadImage            unreadable, empty, too large or unsupported image bytes
│   ├── BadFile             an exchange file or manifest that cannot be read
│   ├── BadTemplate         a template whose layout or fields are out of range
│   └── BadMessage          a message between processes that breaks its layout
├── Refused             understood, and not allowed (HTTP 401/403/404/409/410/429)
│   ├── NotSignedIn         no or invalid credentials
│   └── NotAllowed          policy forbids it
├── NotFound            no such thing, or none that the caller may know of
├── Unavailable         a part of the hub cannot serve now (HTTP 503)
│   └── KeyUnavailable      a country's key is missing, revoked or wrong
└── Damaged             stored data or an installed model fails its check; an operator must look
"""

from __future__ import annotations


class LimenError(Exception):
    """Base of all errors that Limen raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, advice: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class BadInput(LimenError):
    """The caller's input is wrong."""

    code = "bad-input"


class BadImage(BadInput):
    """Bytes that are no image, or none that may be decoded."""

    code = "bad-image"


class BadFile(BadInput):
    """An exchange file or manifest that cannot be read."""

    code = "bad-file"


class BadTemplate(BadInput):
    """A template whose layout or fields are out of range."""

    code = "bad-template"


class BadMessage(BadInput):
    """A message between processes that breaks its fixed layout."""

    code = "bad-message"


class Refused(LimenError):
    """Understood, and not allowed."""

    code = "refused"


class NotSignedIn(Refused):
    """No or invalid credentials."""

    code = "not-signed-in"


class NotAllowed(Refused):
    """Policy forbids it."""

    code = "not-allowed"


class NotFound(LimenError):
    """No such thing, or none that the caller may know of."""

    code = "not-found"


class Unavailable(LimenError):
    """A part of the hub cannot serve now."""

    code = "unavailable"


class KeyUnavailable(Unavailable):
    """A country's key is missing, revoked or wrong."""

    code = "key-unavailable"


class Damaged(LimenError):
    """Stored data or an installed model fails its check."""

    code = "damaged"
