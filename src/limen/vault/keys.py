"""The key ring: a key per country wraps that country's data keys, one an epoch; what seals is derived from those.

    custody (key file, passphrase, token)
    ├── identity            Ed25519; the hub's name to the world
    └── country key         AES-256, one a country; or in the country's own token, which wraps in its place
        └── data key        one an epoch; kept wrapped in DATA/vault/keys.json
            ├── use key     HKDF-SHA256 of it, one a use: template, sample, fields, file
            │   └── record key   HMAC-SHA256 of a record's secret under it; seals that record's blobs
            └── wraps the records' secrets (`vault.recordkeys`)

Only use and record keys ever leave this module, and only record keys of templates the vault. The store is JSON with
wrapped keys, replaced atomically; a new key is on disk before anything is sealed with it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.errors import BadInput, Damaged, KeyUnavailable, NotFound
from limen.vault import keystore
from limen.vault.custody import (
    KEY,
    AesCustody,
    Custody,
    FileCustody,
    lock_with_passphrase,
    unlock_with_passphrase,
)
from limen.vault.reach import HELD, REVOKED, STOPPED, UNAVAILABLE, CountryState, Reach
from limen.vault.recordkeys import RecordKeys, record_key
from limen.vault.seal import NOBODY, Use

OWN_TOKEN = "token"  # noqa: S105 - a kind of custody
_RECORDS = 255  # the "use" of the keys that wrap records' secrets; no blob has it
_COUNTRY = re.compile(r"[A-Z]{3}")


def use_key(data_key: bytes, country: str, epoch: int, use: int) -> bytes:
    """The 32-byte key of one use: HKDF-SHA256 (RFC 5869), so that no use key tells another."""
    info = b"limen-use-key-v1\0" + country.encode("ascii") + epoch.to_bytes(4, "little") + bytes([use])
    return HKDF(SHA256(), KEY, salt=None, info=info).derive(data_key)


class KeyRing:
    """The keys of one hub. Thread-safe; one process at a time may hold it."""

    def __init__(
        self, folder: Path, custody: Custody | None = None, tokens: Mapping[str, Custody] | None = None
    ) -> None:
        """Open the ring in a folder, or create it.

        Args:
            folder: DATA/vault; created with mode 0700.
            custody: default the key file `root.key` in the folder.
            tokens: by country, the custody of those that hold their key themselves.

        Raises:
            Unavailable: another process holds the ring.
            KeyUnavailable, Damaged: the root key or the store is missing, wrong or changed.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._lock = keystore.hold(folder / "lock")
        try:
            self._folder, self._store = folder, folder / "keys.json"
            self._mutex = threading.RLock()
            self._tokens = dict(tokens or {})
            fresh = not self._store.exists()
            self._custody = custody or FileCustody(folder / "root.key", create=fresh)
            self._content = keystore.fresh(self._custody) if fresh else keystore.read(self._store)
            if fresh:
                self._write()
            if self._content["custody"] != self._custody.name:
                raise BadInput(
                    f"The keys are in the custody '{self._content['custody']}', not '{self._custody.name}'.",
                    advice="Set custody back, or move them: limen keys custody.",
                )
            seed = self._custody.unwrap(keystore.as_bytes(self._content["identity"]), keystore.IDENTITY)
            self._identity = Ed25519PrivateKey.from_private_bytes(seed)
            self._use_keys: dict[str, dict[tuple[int, int], bytes]] = {}
            self._wrappers: dict[str, dict[int, AesCustody]] = {}
            self._reach = Reach(self._mutex)
            self._records = {country: self._record_keys(country) for country in self._content["countries"]}
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of the ring, so that another process may hold it."""
        self._use_keys.clear()
        self._wrappers.clear()
        for custody in (self._custody, *self._tokens.values()):
            custody.close()
        os.close(self._lock)

    @property
    def custody(self) -> str:
        """Which custody holds the root: "file", "passphrase", "token"."""
        return self._custody.name

    @property
    def identity(self) -> bytes:
        """The hub's Ed25519 public key, 32 bytes."""
        return self._identity.public_key().public_bytes_raw()

    @property
    def pseudonyms(self) -> X25519PrivateKey:
        """The key of the ledger's pseudonyms (`ledger.pseudonym`), derived from the identity and kept with it."""
        return X25519PrivateKey.from_private_bytes(self.own_key(b"limen-ledger-pseudonyms-v1"))

    def own_key(self, info: bytes) -> bytes:
        """A key of the hub's own, 32 bytes, for what the vault keeps for itself: it follows from the identity."""
        return HKDF(SHA256(), KEY, salt=None, info=info).derive(self._identity.private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature by the hub's identity, 64 bytes. Callers keep the kinds of message apart by prefix."""
        return self._identity.sign(message)

    def countries(self) -> list[str]:
        """Countries that have a key here, or had one."""
        with self._mutex:
            return sorted(self._content["countries"])

    def epoch(self, country: str) -> int:
        """The epoch that seals now; the country's keys are made on first use."""
        with self._mutex:
            if country not in self._content["countries"]:
                self._admit(country)
            return int(self._content["countries"][country]["epoch"])

    def key(self, country: str, epoch: int, use: Use, record: bytes = NOBODY, *, make: bool = False) -> bytes:
        """The key that seals one use of one record, or (record all zero) of what belongs to the country as a whole.

        Args:
            country, epoch, use: of the blob.
            record: UUID, 16 bytes.
            make: whether a record that has no secret yet gets one.

        Raises:
            KeyUnavailable: the country took its key back, its token is gone, there is no such epoch, or the record's
                secret was shredded.
        """
        with self._mutex:
            derived = self._use_key(country, epoch, use)
            if record == NOBODY:
                return derived
            secrets = self._records[country]
            return record_key(derived, secrets.make(record, self.epoch(country)) if make else secrets.secret(record))

    def keys(self, country: str, epoch: int, use: Use, record: bytes, count: int) -> list[tuple[bytes, bytes]]:
        """(record, key) as `key`, of a record and of up to `count - 1` that were stored after it."""
        with self._mutex:
            derived = self._use_key(country, epoch, use)
            found = self._records[country].page(record, count)
            return [(one, record_key(derived, secret)) for one, secret in found]

    def shred(self, country: str, records: Iterable[bytes]) -> int:
        """Destroy records' secrets; how many there were. Needs no key of the country."""
        with self._mutex:
            secrets = self._records.get(country)
            return secrets.shred(records) if secrets is not None else 0

    def records(self, country: str) -> list[bytes]:
        """Ids of a country's records that have a secret."""
        with self._mutex:
            return self._records[country].records() if country in self._records else []

    # --- what a country or an operator does ---

    def states(self) -> list[CountryState]:
        """How each country's keys stand, as `watch` last found."""
        with self._mutex:
            return [self._state(country) for country in self.countries()]

    def watch(self) -> None:
        """Ask the custody of every country whether it is there; drop the keys of those whose is not.

        May take as long as a token that hangs; to be called from a thread of its own. What was derived from a key that
        went away is dropped, and a custody that has not answered for `PATIENCE` seconds counts as gone meanwhile.
        """
        for country in self.countries():
            with self._mutex:
                entry = self._content["countries"][country]
                if entry.get("state", HELD) == REVOKED:
                    self._reach.forgive(country)
                    continue
            if not self._reach.ask(country, lambda: self._custody_of(country, entry).check()):  # noqa: B023 - called at once
                with self._mutex:
                    self._forget(country)

    def rotate(self, country: str) -> int:
        """Begin a new epoch: a new data key seals from now on and wraps the records' secrets. Returns the epoch.

        The older ones still open, until they are retired: reseal first (`records.reseal`).
        """
        with self._mutex:
            self.epoch(country)
            entry = self._held(country)
            self._reachable(country)
            epoch = max(map(int, entry["data"])) + 1
            entry["data"][str(epoch)] = keystore.as_text(self._wrap_data(country, entry, epoch, os.urandom(KEY)))
            entry["epoch"] = epoch
            self._write()
            self._records[country].rewrap(epoch)
            return epoch

    def retire(self, country: str, epoch: int) -> None:
        """Destroy the data key of an older epoch: what is still sealed with it never opens again.

        Raises:
            BadInput: it is the one that seals now.
            NotFound: there is none.
        """
        with self._mutex:
            entry = self._held(country)
            self._reachable(country)
            if epoch == entry["epoch"]:
                raise BadInput(f"Epoch {epoch} of {country} seals now.", advice="Rotate first.")
            if str(epoch) not in entry["data"]:
                raise NotFound(f"{country} has no epoch {epoch}.")
            if epoch in self._records[country].epochs():  # a rotation was cut off between its two writes
                self._records[country].rewrap(entry["epoch"])
            del entry["data"][str(epoch)]
            self._write(erase=True)
            self._forget(country)

    def hand_out(self, country: str, passphrase: bytes) -> bytes:
        """A country's key as a file that only the passphrase opens; empty where its own token holds it.

        Nothing changes here before `revoke`, so that the file can be safe first.
        """
        with self._mutex:
            entry = self._held(country)
            if entry.get("custody") == OWN_TOKEN:
                return b""
            key = self._custody.unwrap(keystore.as_bytes(entry["key"]), keystore.country_label(country))
            return lock_with_passphrase(key, passphrase, keystore.country_label(country))

    def revoke(self, country: str, handed: bytes = b"", passphrase: bytes = b"") -> None:
        """Let a country take its key back: from now on nothing of it opens here.

        The hub keeps no copy: without the file that was handed out (or the token) nothing of the country opens again.

        Args:
            country: whose.
            handed, passphrase: of `hand_out`, to see that it has arrived; not needed where a token holds it.

        Raises:
            BadInput: the key was not handed out.
            KeyUnavailable, Damaged: the file does not open with the passphrase, or holds another key.
        """
        with self._mutex:
            entry = self._held(country)
            if entry.get("custody") != OWN_TOKEN:
                if not handed:
                    raise BadInput(f"The key of {country} must be handed out before the hub forgets it.")
                key = unlock_with_passphrase(handed, passphrase, keystore.country_label(country))
                if key != self._custody.unwrap(keystore.as_bytes(entry["key"]), keystore.country_label(country)):
                    raise Damaged(f"That is not the key of {country}.")
                entry["away"], entry["key"] = True, ""
            entry["state"] = REVOKED
            self._write(erase=True)
            self._forget(country)

    def stop(self, country: str) -> None:
        """Let nothing of a country open from now on, also after a restart, until `release`. Its keys stay here.

        Raises:
            NotFound: it has no keys here.
        """
        self._set_stopped(country, stopped=True)

    def release(self, country: str) -> None:
        """End that. `NotFound`."""
        self._set_stopped(country, stopped=False)

    def _set_stopped(self, country: str, *, stopped: bool) -> None:
        with self._mutex:
            entry = self._content["countries"].get(country)
            if entry is None:
                raise NotFound(f"{country} has no keys here.", advice="It keeps no records here.")
            if entry.get(STOPPED, False) != stopped:
                entry[STOPPED] = stopped
                self._write()
            if stopped:
                self._forget(country)

    def restore(self, country: str, handed: bytes = b"", passphrase: bytes = b"") -> None:
        """Take a country's key in again, as `hand_out` wrote it.

        Raises:
            BadInput: the country has not taken its key back, or the file is needed and missing.
            KeyUnavailable: the passphrase is wrong, or the token is not there.
            Damaged: the file holds another key.
        """
        with self._mutex:
            entry = self._content["countries"].get(country)
            if entry is None or entry.get("state", HELD) != REVOKED:
                raise BadInput(f"{country} has not taken its key back.")
            if entry.get("away"):
                if not handed:
                    raise BadInput(
                        f"The key of {country} is not here.", advice="Give the file that it was handed out in."
                    )
                key = unlock_with_passphrase(handed, passphrase, keystore.country_label(country))
                epoch = str(entry["epoch"])
                AesCustody(key).unwrap(
                    keystore.as_bytes(entry["data"][epoch]), keystore.data_label(country, int(epoch))
                )  # Damaged: another
                entry["key"] = keystore.as_text(self._custody.wrap(key, keystore.country_label(country)))
                del entry["away"]
            else:
                self._custody_of(country, entry).check()
            entry["state"] = HELD
            self._reach.forgive(country)
            self._write()

    def move(self, custody: Custody) -> None:
        """Have another custody hold the root: what the old one wraps is wrapped anew."""
        with self._mutex:
            labels = {"identity": keystore.IDENTITY}
            fresh = {"identity": self._rewrapped(self._content["identity"], labels["identity"], custody)}
            keys = {
                country: self._rewrapped(entry["key"], keystore.country_label(country), custody)
                for country, entry in self._content["countries"].items()
                if entry.get("key")
            }
            self._content |= {"custody": custody.name, **fresh}
            for country, key in keys.items():
                self._content["countries"][country]["key"] = key
            self._custody = custody
            self._write(erase=True)

    # --- inside ---

    def _state(self, country: str) -> CountryState:
        entry, reason = self._content["countries"][country], ""
        state = entry.get("state", HELD)
        if state == HELD:
            try:
                self._reachable(country)
            except KeyUnavailable as error:
                state = STOPPED if entry.get(STOPPED) else UNAVAILABLE
                reason = str(error)
        own = entry.get("custody") == OWN_TOKEN
        return CountryState(
            country,
            state,
            OWN_TOKEN if own else self._custody.name,
            int(entry["epoch"]),
            tuple(sorted(map(int, entry["data"]))),
            len(self._records[country]),
            reason,
            own,
        )

    def _held(self, country: str) -> dict[str, Any]:
        entry: dict[str, Any] | None = self._content["countries"].get(country)
        if entry is None:
            raise KeyUnavailable(f"There is no key of {country}.", advice="It keeps no records here.")
        if entry.get("state", HELD) == REVOKED:
            raise KeyUnavailable(
                f"{country} has taken its key back.", advice=f"It gives it back with: limen keys restore {country}."
            )
        return entry

    def _reachable(self, country: str) -> None:
        if self._content["countries"][country].get(STOPPED):
            raise KeyUnavailable(
                f"{country} has switched its records off.",
                advice=f"Two people of {country} switch them on: limen keys release {country}.",
            )
        self._reach.check(country)

    def _use_key(self, country: str, epoch: int, use: int) -> bytes:
        self._held(country)
        self._reachable(country)
        kept = self._use_keys.setdefault(country, {})
        if (epoch, use) not in kept:
            kept[epoch, use] = use_key(self._data_key(country, epoch), country, epoch, use)
        return kept[epoch, use]

    def _wrapper(self, country: str, epoch: int) -> AesCustody:
        """What wraps records' secrets."""
        kept = self._wrappers.setdefault(country, {})
        if epoch not in kept:
            kept[epoch] = AesCustody(self._use_key(country, epoch, _RECORDS))
        return kept[epoch]

    def _data_key(self, country: str, epoch: int) -> bytes:
        entry = self._held(country)
        wrapped = entry["data"].get(str(epoch))
        if wrapped is None:
            raise KeyUnavailable(
                f"There is no key of {country} for epoch {epoch}.",
                advice="It was retired, or the key store is older than the records.",
            )
        wrapper = self._country_wrapper(country, entry)
        return wrapper.unwrap(keystore.as_bytes(wrapped), keystore.data_label(country, epoch))

    def _custody_of(self, country: str, entry: dict[str, Any]) -> Custody:
        """Who must be there for the country's keys to open."""
        if entry.get("custody") != OWN_TOKEN:
            return self._custody
        if country not in self._tokens:
            raise KeyUnavailable(
                f"The key of {country} is in its own token, and none is configured.", advice="Set pkcs11_countries."
            )
        return self._tokens[country]

    def _country_wrapper(self, country: str, entry: dict[str, Any]) -> Custody:
        custody = self._custody_of(country, entry)
        if entry.get("custody") == OWN_TOKEN:
            return custody
        return AesCustody(custody.unwrap(keystore.as_bytes(entry["key"]), keystore.country_label(country)))

    def _wrap_data(self, country: str, entry: dict[str, Any], epoch: int, key: bytes) -> bytes:
        return self._country_wrapper(country, entry).wrap(key, keystore.data_label(country, epoch))

    def _admit(self, country: str) -> None:
        if not _COUNTRY.fullmatch(country):
            raise BadInput("A country is three capital letters, as in ISO 3166-1 alpha-3.")
        token = self._tokens.get(country)
        entry: dict[str, Any] = {"state": HELD, "epoch": 1, "data": {}}
        if token is not None:
            if hasattr(token, "create"):
                token.create()
            entry |= {"custody": OWN_TOKEN, "key": ""}
        else:
            entry |= {
                "custody": "hub",
                "key": keystore.as_text(self._custody.wrap(os.urandom(KEY), keystore.country_label(country))),
            }
        entry["data"]["1"] = keystore.as_text(self._wrap_data(country, entry, 1, os.urandom(KEY)))
        self._content["countries"][country] = entry
        self._write()
        self._records[country] = self._record_keys(country)

    def _record_keys(self, country: str) -> RecordKeys:
        return RecordKeys(self._folder / "records", country, self._wrapper)

    def _forget(self, country: str) -> None:
        self._use_keys.pop(country, None)
        self._wrappers.pop(country, None)

    def _rewrapped(self, wrapped: str, label: bytes, custody: Custody) -> str:
        return keystore.as_text(custody.wrap(self._custody.unwrap(keystore.as_bytes(wrapped), label), label))

    def _write(self, *, erase: bool = False) -> None:
        keystore.write(self._store, self._content, erase=erase)
