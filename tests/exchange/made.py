"""Small ANSI/NIST-ITL files, put together by hand: what a correct, or a broken, sender would write."""

from __future__ import annotations

import struct

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"


def text_record(kind: int, fields: list[tuple[int, str | bytes]], data: bytes | None = None) -> bytes:
    """A tagged record with its true length; `|` parts subfields and `~` items."""
    parts = []
    for number, value in fields:
        raw = value if isinstance(value, bytes) else value.replace("|", "\x1e").replace("~", "\x1f").encode()
        parts.append(b"%d.%03d:" % (kind, number) + raw)
    if data is not None:
        parts.append(b"%d.999:" % kind + data)
    body = GS + GS.join(parts) + FS
    for digits in range(1, 10):
        head = b"%d.001:" % kind
        length = len(head) + digits + len(body)
        if len(str(length)) == digits:
            return head + str(length).encode() + body
    raise AssertionError("too long")


def type4(
    idc: int, position: int, pixels: bytes, width: int, height: int, *, compression: int = 0, native: int = 0
) -> bytes:
    """A Type-4 record."""
    head = struct.pack(">BB6sBHHB", idc, 3, bytes([position]) + b"\xff" * 5, native, width, height, compression)
    return struct.pack(">I", 4 + len(head) + len(pixels)) + head + pixels


def file(
    records: list[tuple[int, int, bytes]], *, domain: str = "INT-I~6.0", extra: tuple[tuple[int, str], ...] = ()
) -> bytes:
    """A file: (type, idc, record) after a Type-1 record that announces them."""
    content = "|".join([f"1~{len(records)}", *(f"{kind}~{idc:02d}" for kind, idc, _ in records)])
    fields: list[tuple[int, str | bytes]] = [
        (2, "0502"), (3, content), (4, "CPS"), (5, "20261122"), (7, "INTERPOL"), (8, "FR/SCIJ"), (9, "TCN-0001"),
        (11, "19.69"), (12, "19.69"), (13, domain), (14, "20261122120000Z"), *extra,
    ]  # fmt: skip
    return text_record(1, fields) + b"".join(record for _, _, record in records)
