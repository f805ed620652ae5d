"""A copy of a hub's log, fetched over HTTP from outside (C2SP tlog-tiles): then checked like any folder.

A copy that is kept grows: full tiles never change, so only what is new is fetched. Nothing that comes is believed: the
checkpoint's signature, the hashes and the proofs are for `ledger.audit` and `ledger.witness`.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from limen.client import trust
from limen.errors import BadFile, BadInput, NotFound, Unavailable
from limen.ledger import note
from limen.ledger.note import MAX_NOTE, Key
from limen.ledger.tiles import Folder, tile_path
from limen.ledger.tree import HASH, HEIGHT, WIDTH

TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # seconds
MAX_TILE = WIDTH * HASH
MAX_BUNDLE = WIDTH * (2 + 0xFFFF)  # bytes: 256 entries of the greatest length that the format knows


class RemoteLog:
    """A log at `https://host/ledger`. Use it as a context manager."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise BadInput("The log's address is no URL.", advice="Give https://HOST/ledger.")
        self._url = url.rstrip("/")
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport, verify=trust.context(self._url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def key(self) -> Key:
        """The key that the hub itself says is its log's: compare it with what its operator publishes."""
        return Key.parse(self._get("key", MAX_NOTE).decode("utf-8", "replace"))

    def copy(self, folder: Path, *, entries: bool = True) -> None:
        """Fetch what the newest checkpoint covers and the folder lacks; the checkpoint is written last.

        Args:
            folder: of the copy, made if needed.
            entries: also the entries themselves; a witness needs the hashes alone.

        Raises:
            Unavailable: the hub cannot be reached.
            NotFound: it lacks a file that its checkpoint promises.
            BadFile: what came is no log.
        """
        signed = self._get("checkpoint", MAX_NOTE)
        size = note.parse(note.split(signed)[0]).size
        place = Folder(folder)
        for level in range((size.bit_length() + HEIGHT - 1) // HEIGHT):
            self._tiles(place, level, size >> HEIGHT * level, MAX_TILE)
        if entries:
            self._tiles(place, "entries", size, MAX_BUNDLE)
        place.write("checkpoint", signed)

    def _tiles(self, place: Folder, level: int | str, count: int, most: int) -> None:
        for index in range(-(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            name = tile_path(level, index, width)
            if (place.path / name).exists():
                continue
            try:
                content = self._get(name, most)
            except NotFound:  # the tile was completed since the checkpoint was read
                if width == WIDTH:
                    raise
                name = tile_path(level, index, WIDTH)
                content = self._get(name, most)
            place.write(name, content)

    def _get(self, name: str, most: int) -> bytes:
        try:
            with self._http.stream("GET", f"{self._url}/{name}") as response:
                if response.status_code != 200:
                    raise NotFound(f"There is no {name} at this address (HTTP {response.status_code}).", code="no-log")
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > most:
                        raise BadFile(f"The log's {name} is larger than it can be.")
                return bytes(data)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"The log cannot be reached ({type(error).__name__}).", advice="Check the address and the connection."
            ) from None
