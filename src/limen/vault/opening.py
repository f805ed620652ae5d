"""The key ring as the settings describe it: which custody holds the root, and which countries have their own token."""

from __future__ import annotations

from pathlib import Path

from limen.errors import BadInput
from limen.settings import Settings
from limen.vault.custody import Custody, FileCustody, PassphraseCustody, read_secret
from limen.vault.keys import KeyRing
from limen.vault.token import TokenCustody

KINDS = ("file", "passphrase", "token")
_ROOT = "limen-root"  # label of the hub's own key in its token


def open_ring(settings: Settings, passphrase: bytes = b"") -> KeyRing:
    """The hub's key ring.

    Args:
        settings: of the hub; `custody`, `passphrase_file` and the `pkcs11_*` ones say who holds the keys.
        passphrase: instead of the one in `passphrase_file`.

    Raises:
        BadInput: the settings do not fit together.
        KeyUnavailable, Damaged, Unavailable: as `KeyRing`.
    """
    folder = settings.data / "vault"
    custody = root_custody(settings, settings.custody, passphrase, create=not (folder / "keys.json").exists())
    return KeyRing(folder, custody, tokens(settings))


def root_custody(settings: Settings, kind: str, passphrase: bytes, *, create: bool) -> Custody:
    """The custody of a kind.

    Args:
        settings: of the hub.
        kind: file, passphrase or token.
        passphrase: for the kind that needs one; empty: from `passphrase_file`.
        create: whether a root key that is not there yet is made.
    """
    folder = settings.data / "vault"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kind == "file":
        return FileCustody(folder / "root.key", create=create)
    if kind == "passphrase":
        if not passphrase and settings.passphrase_file:
            passphrase = read_secret(Path(settings.passphrase_file), "passphrase")
        return PassphraseCustody(folder / "root.locked", passphrase, create=create)
    if kind == "token":
        if not (settings.pkcs11_module and settings.pkcs11_token):
            raise BadInput("The custody 'token' needs pkcs11_module, pkcs11_token and pkcs11_pin_file.")
        token = TokenCustody(settings.pkcs11_module, settings.pkcs11_token, Path(settings.pkcs11_pin_file), _ROOT)
        if create:
            token.create()
        return token
    raise BadInput(f"There is no custody '{kind}'.", advice=f"Use one of {', '.join(KINDS)}.")


def tokens(settings: Settings) -> dict[str, Custody]:
    """Countries' own tokens, from `pkcs11_countries`: `FRA=label:/path/to/pin, BIH=...`."""
    found: dict[str, Custody] = {}
    for item in filter(None, (part.strip() for part in settings.pkcs11_countries.split(","))):
        country, _, rest = item.partition("=")
        label, _, pin = rest.partition(":")
        if not (country and label and pin and settings.pkcs11_module):
            raise BadInput(
                f"pkcs11_countries has '{item[:40]}', which is not COUNTRY=LABEL:PINFILE, or pkcs11_module is missing."
            )
        found[country.strip()] = TokenCustody(
            settings.pkcs11_module, label.strip(), Path(pin), f"limen-{country.strip()}"
        )
    return found
