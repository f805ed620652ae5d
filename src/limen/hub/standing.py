"""What is in force for each running process of a hub, as the kernel says of it: for `limen doctor` and production.

/proc/PID/status may be read by everybody. Landlock alone does not show there; of it the part's own word is taken, which
the supervisor keeps in `run/state.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limen.hub import profiles
from limen.settings import Settings

LOCKED = ("vault", "matcher")  # parts that keep all their memory out of swap; the opener's workers do so themselves
_CAPABILITIES = {1: "dac_override", 3: "fowner", 10: "net_bind_service", 14: "ipc_lock"}  # <linux/capability.h>


@dataclass(frozen=True)
class Standing:
    """One process.

    Attributes:
        name: of the part.
        text: what is in force, for people.
        lacking: what should be, and is not; empty if all is well.
    """

    name: str
    text: str
    lacking: tuple[str, ...]


def of(settings: Settings, parts: Mapping[str, Mapping[str, Any]]) -> Iterator[Standing]:
    """How every running part stands.

    Args:
        settings: of the hub.
        parts: `parts` of `run/state.json`.
    """
    for name, part in parts.items():
        if part.get("state") != "running":
            continue
        try:
            threads = [_fields(path / "status") for path in Path(f"/proc/{int(part['pid'])}/task").iterdir()]
        except OSError:  # it ended a moment ago
            continue
        if threads:
            yield _standing(name, settings, set(part.get("given_up", ())), threads)


def _standing(name: str, settings: Settings, given_up: set[str], threads: list[dict[str, str]]) -> Standing:
    kept = {number for one in threads for number in range(64) if int(one["CapEff"], 16) >> number & 1}
    found = {
        "seccomp": all(one["Seccomp"] == "2" for one in threads),
        "no new privileges": all(one["NoNewPrivs"] == "1" for one in threads),
        "few capabilities": kept <= _CAPABILITIES.keys(),
        "Landlock": bool(given_up & {profiles.FILES, profiles.PROGRAMS}),
    }
    if name in LOCKED:
        found["locked memory"] = threads[0].get("VmLck", "0 kB") != "0 kB"
    files = "few files" if profiles.FILES in given_up else "no programs"
    said = [
        f"{name} runs as user {threads[0]['Uid'].split()[0]}",
        *(f"{files} (Landlock)" if one == "Landlock" else one for one, there in found.items() if there),
    ]
    text = (
        f"{', '.join(said)}; capabilities: {', '.join(_CAPABILITIES.get(n, str(n)) for n in sorted(kept)) or 'none'}."
    )
    return Standing(name, text, tuple(one for one, there in found.items() if not there))


def _fields(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+):\s*(.*)$", path.read_text(), re.MULTILINE))
