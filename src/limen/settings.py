"""Where things are and how the hub behaves: defaults that work, `DATA/limen.toml`, then `LIMEN_*` variables.

A hub's whole state is below its data folder, so that several can live on one machine and a test can throw one away.
"""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from limen.errors import BadInput

_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_CHOICES = {"tls": ("auto", "on", "off"), "watch": ("suspend", "alert"), "custody": ("file", "passphrase", "token")}
_BOUNDS: dict[str, tuple[float, float]] = {  # both ends may be taken; beyond them a hub could not do its work
    "port": (0, 65535),
    "workers": (1, 256),
    "max_workers": (2, 1024),
    "offer_seconds": (1, 3600),
    "worker_seconds": (1, 3600),
    "fpir_refer": (1e-9, 1.0),
    "fpir_hit": (1e-9, 1.0),
    "unsealed_per_hour": (0, 1e9),
}
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # addresses that nobody else's machine reaches


@dataclass(frozen=True)
class Settings:
    """Settings of one hub.

    Attributes:
        data: folder of everything that the hub keeps.
        database: SQLAlchemy URL; default SQLite in `data`.
        host, port: where the front listens.
        public_url: how people reach it (for links that `limen access invite` prints); default from host and port.
        workers: idle single-use workers that the opener keeps ready, for probes; one is kept for enrolment.
        max_workers: workers alive at once, most of them waiting for their capture; more requests wait.
        offer_seconds: how long a search waits for its capture.
        worker_seconds: how long a worker may work on a capture once it is there.
        fpir_refer, fpir_hit: accepted false-positive identification rates per search (fractions).
        face_hits: whether a face alone may be a hit; else it is a lead for an examiner, however alike.
        production: refuse to start where a protection is missing.
        link_sign_in: whether a one-time link signs in by itself (never in production), or only registers a passkey.
        watch: `suspend`: who asks too much is suspended; `alert`: only an alert is raised (for measurements).
        unsealed_per_hour: records whose names and pictures the vault opens for the front in an hour; more are refused.
        tls: `auto`: TLS 1.3 where the hub listens beyond this machine without a proxy (`public_url`); `on`; `off`.
        tls_certificate, tls_key: PEM files; default: a certificate by the hub's own authority, in `data/tls`.
        client_certificates: whether machines may show a TLS client certificate that is registered (docs/access.md).
        users: prefix of the parts' own users, where the hub is started as root (`hub.users`); empty: all share one.
        custody: who holds the key above all others: file, passphrase or token (docs/keys.md).
        passphrase_file: where the passphrase is read from; else `limen serve` asks on its terminal.
        pkcs11_module: the tokens' PKCS#11 library.
        pkcs11_token, pkcs11_pin_file: label of the hub's own token, and the file with its PIN.
        pkcs11_countries: countries that hold their key in a token of their own: `FRA=label:/path/to/pin, ...`.
        osia_callbacks: origins that results may be sent to, `https://abis.example:8443, ...` (docs/osia.md).
    """

    data: Path = Path("limen-data")
    database: str = ""
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str = ""
    workers: int = 2
    max_workers: int = 32
    offer_seconds: int = 60
    worker_seconds: int = 20
    fpir_refer: float = 1e-3
    fpir_hit: float = 1e-5
    face_hits: bool = False
    production: bool = False
    link_sign_in: bool = True
    watch: str = "suspend"
    unsealed_per_hour: int = 1000
    tls: str = "auto"
    tls_certificate: str = ""
    tls_key: str = ""
    client_certificates: bool = False
    users: str = ""
    custody: str = "file"
    passphrase_file: str = ""
    pkcs11_module: str = ""
    pkcs11_token: str = ""
    pkcs11_pin_file: str = ""
    pkcs11_countries: str = ""
    osia_callbacks: str = ""
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        """The database's URL, SQLite in the data folder unless set."""
        return self.database or f"sqlite:///{self.data.resolve() / 'records.sqlite'}"

    @property
    def url(self) -> str:
        """How people and clients reach the front."""
        return self.public_url or f"{'https' if self.over_tls else 'http'}://{self.host}:{self.port}"

    @property
    def pages(self) -> str:
        """How people's browsers reach the front: passkeys need a name, so on this machine `localhost`."""
        if self.public_url or not self.host.startswith("127."):
            return self.url
        return self.url.replace(self.host, "localhost", 1)

    @property
    def over_tls(self) -> bool:
        """Whether the front itself speaks TLS."""
        if self.tls not in ("auto", "on", "off"):
            raise BadInput(f"The setting 'tls' cannot be '{self.tls}'.", advice="Use auto, on or off.")
        beyond = self.host not in LOOPBACK and not self.public_url
        return self.tls == "on" or (self.tls == "auto" and (beyond or bool(self.tls_certificate)))

    @property
    def run(self) -> Path:
        """Folder of the sockets and the state file of a running hub."""
        return self.data / "run"

    def socket(self, name: str) -> str:
        """Path of a socket, such as `opener-probe`. Kept short: Unix allows 107 bytes."""
        path = str((self.run / f"{name}.sock").absolute())
        relative = os.path.relpath(path)
        return min(path, relative, key=len)


def load(data: Path | None = None, **overrides: object) -> Settings:
    """Settings of the hub in `data` (default: `LIMEN_DATA`, else `./limen-data`).

    Raises:
        BadInput: an unknown or malformed setting; the message names it and where it stands.
    """
    data = data or Path(os.environ.get("LIMEN_DATA", "limen-data"))
    values: dict[str, object] = {}
    file = data / "limen.toml"
    if file.exists():
        try:
            values.update(tomllib.loads(file.read_text()))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"{file} cannot be read: {error}.", advice="Correct or remove the file.") from None
    known = {f.name: f for f in dataclasses.fields(Settings) if f.name not in ("data", "extra")}
    for name in known:
        if (text := os.environ.get(f"LIMEN_{name.upper()}")) is not None:
            values[name] = text
    values.update({name: value for name, value in overrides.items() if value is not None})
    for name in values:
        if name not in known:
            raise BadInput(f"There is no setting '{name}'.", advice=f"Known: {', '.join(known)}.")
    return Settings(data=data, **{name: _typed(name, value) for name, value in values.items()})  # type: ignore[arg-type]


def _typed(name: str, value: object) -> object:
    default = getattr(Settings, name)
    try:
        found = _WORDS[str(value).strip().lower()] if isinstance(default, bool) else type(default)(value)
    except (TypeError, ValueError, OverflowError, KeyError):  # a protection that is misspelt must not be off unnoticed
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise BadInput(f"The setting '{name}' must be {kind}, not '{value}'.") from None
    if name in _CHOICES and found not in _CHOICES[name]:
        raise BadInput(f"The setting '{name}' cannot be '{value}'.", advice=f"Use one of: {', '.join(_CHOICES[name])}.")
    least, most = _BOUNDS.get(name, (-math.inf, math.inf))
    if isinstance(found, (int, float)) and not least <= found <= most:
        raise BadInput(f"The setting '{name}' cannot be {value}.", advice=f"It lies between {least:g} and {most:g}.")
    return found
