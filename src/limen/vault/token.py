"""Custody in a PKCS#11 token: the key is made in it, never leaves it, and is gone when the token is.

Any module that offers AES-GCM with a non-extractable AES-256 key serves (SoftHSM 2 in the tests). A token may be
pulled, reset or put back at any time: every call goes through the token anew or through a session that is opened again
once; what then still fails says why.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as refused

from limen.errors import BadInput, Damaged, KeyUnavailable
from limen.vault.custody import KEY, NONCE, read_secret

TAG_BITS = 128
_PIN = (refused.PinIncorrect, refused.PinLocked, refused.PinLenRange, refused.PinInvalid)
_MODULES: dict[str, Any] = {}  # what `pkcs11.lib` returns, by path
_MODULE_LOCK = threading.RLock()  # a module is one per process, whatever the number of its tokens


class TokenCustody:
    """Wraps with an AES-256 key that lives in a token.

    Attributes:
        name: "token", for the key store.
        label: the token's label, as its owner gave it.
    """

    name = "token"

    def __init__(self, module: str, label: str, pin_file: Path, key: str) -> None:
        """Nothing is opened before the first call.

        Args:
            module: path of the vendor's PKCS#11 library.
            label: of the token.
            pin_file: file whose first line is the user PIN.
            key: label of the key in the token.
        """
        self._module, self.label, self._pin_file, self._key_label = module, label, pin_file, key
        self._session: pkcs11.Session | None = None
        self._key: Any = None
        self._refused_pin = b""  # digest of a PIN that the token refused: asking again would lock the token

    def create(self) -> None:
        """Make the key in the token, unless it is there. `KeyUnavailable` if the token cannot be reached."""
        with _MODULE_LOCK:
            try:
                self.check()
            except KeyUnavailable:
                session = self._open()
                if self._find(session) is None:
                    try:
                        session.generate_key(
                            KeyType.AES, 8 * KEY, label=self._key_label, id=self._key_label.encode(), store=True,
                            template={
                                Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True,
                                Attribute.ENCRYPT: True, Attribute.DECRYPT: True, Attribute.WRAP: False,
                                Attribute.UNWRAP: False,
                            },
                        )  # fmt: skip
                    except refused.PKCS11Error as error:
                        raise self._failed(error) from None
                self.check()

    def wrap(self, key: bytes, label: bytes) -> bytes:
        """Nonce, ciphertext and tag, made in the token; the label is bound as associated data."""
        nonce = os.urandom(NONCE)
        return nonce + self._do("encrypt", key, nonce, label)

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The key that was wrapped under this label.

        Raises:
            KeyUnavailable: the token, its key or its PIN is not there.
            Damaged: the token works, and this was not wrapped by its key as that.
        """
        try:
            return self._do("decrypt", wrapped[NONCE:], wrapped[:NONCE], label)
        except KeyUnavailable:
            self.check()  # tokens answer a wrong tag with anything: if the key still serves, the blob is bad
        raise Damaged(
            "A wrapped key does not open in its token: the key store was changed, or belongs to another token.",
            advice="Restore DATA/vault from one and the same backup, or put the right token in.",
        )

    def check(self) -> None:
        """`KeyUnavailable`, with the reason, unless the token's key encrypts and decrypts now."""
        nonce, word = os.urandom(NONCE), os.urandom(KEY)
        if self._do("decrypt", self._do("encrypt", word, nonce, b"limen-check"), nonce, b"limen-check") != word:
            raise KeyUnavailable(f"The token {self.label} does not decrypt what it encrypted.")

    def _do(self, what: str, data: bytes, nonce: bytes, label: bytes) -> bytes:
        with _MODULE_LOCK:
            for attempt in (1, 2):
                try:
                    call = getattr(self._ready(), what)
                    done = call(data, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, label, TAG_BITS))
                    return bytes(done)
                except refused.PKCS11Error as error:
                    self._key = None
                    if attempt == 2:
                        raise self._failed(error) from None
        raise AssertionError("the loop above returns or raises")

    def _ready(self) -> Any:
        if self._key is None:
            self._key = self._find(self._open())
            if self._key is None:
                raise KeyUnavailable(
                    f"The token {self.label} has no key {self._key_label}.",
                    advice="Put in the token that holds it; a new key would open nothing.",
                )
        return self._key

    def _find(self, session: pkcs11.Session) -> Any:
        wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._key_label}
        return next(iter(session.get_objects(wanted)), None)

    def _open(self) -> pkcs11.Session:
        """A fresh session; where the token is not seen, the module looks for tokens anew."""
        pin = read_secret(self._pin_file, f"PIN of the token {self.label}")
        if self._refused_pin and self._refused_pin == _digest(pin):
            raise KeyUnavailable(
                f"The token {self.label} refused its PIN; it is not asked again, lest it lock.",
                advice=f"Correct {self._pin_file}.",
            )
        self.close()
        try:
            try:
                self._session = self._login(pin)
            except _PIN:
                raise
            except refused.PKCS11Error:  # no such token, not recognised, module not initialised ...
                self._library().reinitialize()  # ends the sessions of the module's other tokens, which open them again
                self._session = self._login(pin)
        except _PIN as error:
            self._refused_pin = _digest(pin)
            raise KeyUnavailable(
                f"The token {self.label} refuses its PIN ({type(error).__name__}).", advice=f"Correct {self._pin_file}."
            ) from None
        except refused.PKCS11Error as error:
            raise self._failed(error) from None
        self._refused_pin = b""
        return self._session

    def close(self) -> None:
        """End the session with the token; the next call opens another."""
        with _MODULE_LOCK:
            session, self._session, self._key = self._session, None, None
            if session is not None:
                with suppress(refused.PKCS11Error):
                    session.close()

    def _login(self, pin: bytes) -> pkcs11.Session:
        token = self._library().get_token(token_label=self.label)
        try:
            return token.open(rw=True, user_pin=pin.decode("utf-8", "replace"))
        except refused.UserAlreadyLoggedIn:  # by this process, in an older session
            return token.open(rw=True, user_pin=None)

    def _library(self) -> Any:
        with _MODULE_LOCK:
            if self._module not in _MODULES:
                try:
                    _MODULES[self._module] = pkcs11.lib(self._module)
                except (refused.PKCS11Error, RuntimeError, OSError):
                    raise BadInput(
                        f"The PKCS#11 module {self._module} cannot be loaded.", advice="Check pkcs11_module."
                    ) from None
            return _MODULES[self._module]

    def _failed(self, error: Exception) -> KeyUnavailable:
        return KeyUnavailable(
            f"The token {self.label} does not answer ({type(error).__name__}).",
            advice="Put it in; the hub takes it up by itself.",
        )


def _digest(pin: bytes) -> bytes:
    return hashlib.sha256(pin).digest()
