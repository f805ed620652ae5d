"""What `limen doctor` looks at: what this machine offers to protect captures, and how this hub stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from limen import models
from limen.confine import probe
from limen.errors import LimenError
from limen.hub import standing
from limen.models import in_use
from limen.settings import Settings
from limen.vault import clock

LEAST_SPACE = 1 << 30  # bytes free in the data folder: a day's records and logs of a small country
SUPERVISED = ("vault", "opener", "matcher", "front")


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    ADVISED = "advised"  # works, and could be safer
    MISSING = "missing"  # a protection that production mode insists on


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: stable slug.
        status: see `Status`.
        text: what was found.
        advice: what to do about it; empty if nothing.
    """

    name: str
    status: Status
    text: str
    advice: str = ""


def check_machine() -> list[Check]:
    """Protections that the kernel and its settings offer to the hub's processes."""
    return [
        _landlock(),
        _seccomp(),
        _memory_lock(),
        _swap(),
        _hibernation(),
        _core_pattern(),
        _init_on_free(),
        _clock(),
        _user(),
    ]


def missing_protections() -> list[str]:
    """Names of the machine's checks that came out as missing."""
    return [check.name for check in check_machine() if check.status is Status.MISSING]


def check_hub(settings: Settings) -> list[Check]:
    """A hub's folder, models and processes."""
    return [
        *_modes(settings),
        *_memory_lock_of_users(settings),
        _jumped_back(settings),
        _custody(settings),
        _space(settings),
        _models(settings),
        *_processes(settings),
    ]


def _landlock() -> Check:
    version = probe.landlock_version()
    if version:
        return Check("landlock", Status.OK, f"Workers can be barred from all files (Landlock, version {version}).")
    return Check(
        "landlock",
        Status.MISSING,
        "The kernel cannot bar workers from files: Landlock is off.",
        "Boot a kernel of 5.13 or newer with `lsm=landlock,...` on its command line.",
    )


def _seccomp() -> Check:
    if probe.seccomp_filters():
        return Check("seccomp", Status.OK, "Workers can be barred from system calls that they do not need (seccomp).")
    return Check(
        "seccomp",
        Status.MISSING,
        "The kernel cannot filter workers' system calls, or this processor's are not known to Limen.",
        "Use a kernel with CONFIG_SECCOMP_FILTER on x86-64 or 64-bit ARM.",
    )


def _memory_lock() -> Check:
    if probe.memory_can_be_locked():
        return Check("mlock", Status.OK, "Workers' memory can be locked out of swap.")
    return Check(
        "mlock",
        Status.MISSING,
        "Workers' memory cannot be locked: RLIMIT_MEMLOCK is too small.",
        "Set LimitMEMLOCK=infinity in the service's unit, or `ulimit -l unlimited` before `limen serve`.",
    )


def _memory_lock_of_users(settings: Settings) -> Iterator[Check]:
    """With `users` the parts have no capability: the supervisor must be able to lift their limit."""
    if settings.users and not probe.others_can_lock_memory():
        yield Check(
            "mlock-users",
            Status.MISSING,
            "The parts' own users cannot lock memory: RLIMIT_MEMLOCK is too small, and may not be raised here.",
            "Give the hub CAP_SYS_RESOURCE, or set LimitMEMLOCK=infinity (in a container: --ulimit memlock=-1).",
        )


def _swap() -> Check:
    devices = _lines("/proc/swaps")[1:]
    plain = [line.split()[0] for line in devices if not re.match(r"/dev/(dm-|zram|mapper/)", line)]
    if not plain:
        return Check("swap", Status.OK, "There is no swap, or it is in memory or behind device mapper.")
    return Check("swap", Status.ADVISED, "There is swap on disk.", "Turn it off (`swapoff -a`) or encrypt it.")


def _hibernation() -> Check:
    if "disk" not in _text("/sys/power/state").split():
        return Check("hibernation", Status.OK, "This machine does not hibernate.")
    return Check(
        "hibernation",
        Status.ADVISED,
        "This machine can hibernate, which writes all memory to disk.",
        "Boot with `nohibernate`, or mask systemd's hibernate.target.",
    )


def _core_pattern() -> Check:
    pattern = _text("/proc/sys/kernel/core_pattern").strip()
    if pattern.startswith("|"):
        return Check(
            "core-dumps",
            Status.ADVISED,
            "Core dumps of other programs go to a collector; Limen's processes make none (limit 0, not dumpable).",
            "Set kernel.core_pattern to `core` if the collector keeps dumps whatever the limit.",
        )
    return Check("core-dumps", Status.OK, "Limen's processes make no core dumps (limit 0, not dumpable).")


def _init_on_free() -> Check:
    asked = re.search(r"\binit_on_free=([01])", _text("/proc/cmdline"))
    if asked and asked[1] == "1":
        return Check("init-on-free", Status.OK, "The kernel zeroes memory as soon as it is freed.")
    return Check(
        "init-on-free",
        Status.ADVISED,
        "The kernel zeroes freed memory only when it is used again.",
        "Boot with `init_on_free=1`, so that nothing of a capture outlives its worker in free pages.",
    )


def _clock() -> Check:
    if probe.clock_is_synchronised():
        return Check("clock", Status.OK, "The clock is synchronised.")
    return Check(
        "clock",
        Status.ADVISED,
        "The kernel does not know its clock to be synchronised.",
        "Run an NTP client: offers, expiries and receipts depend on the time.",
    )


def _user() -> Check:
    if os.geteuid() != 0:
        return Check("user", Status.OK, "The hub runs as an ordinary user.")
    return Check(
        "user",
        Status.ADVISED,
        "This is root; the hub needs no privileges.",
        "Run it as a user of its own, or set `users` so that each part gets one (docs/security.md).",
    )


def _modes(settings: Settings) -> Iterator[Check]:
    if not settings.data.is_dir():
        yield Check("data-folder", Status.OK, f"{settings.data} does not exist yet; the hub will create it, private.")
        return
    private = [settings.data / "vault", settings.run, settings.data / "log"]
    open_to_others = [
        str(path)
        for folder in private
        if folder.is_dir()
        for path in (folder, *folder.iterdir())
        if not path.is_symlink() and path.stat().st_mode & (stat.S_IRWXO | (0 if settings.users else stat.S_IRWXG))
    ]
    if not open_to_others:
        yield Check("file-modes", Status.OK, "Keys, sockets and logs are this user's alone.")
    else:
        yield Check(
            "file-modes",
            Status.MISSING,
            f"Others may reach {', '.join(open_to_others)}.",
            f"chmod -R go= {settings.data}",
        )


def _jumped_back(settings: Settings) -> Check:
    """Whether the clock stands before what the vault has seen: then nobody can search."""
    file, now = settings.data / "vault" / "clock", time.time()
    latest = clock.noted(file)
    if now >= latest - clock.TOLERANCE:
        return Check("time", Status.OK, "The clock has not jumped back.")
    error = clock.jumped_back(now, latest, file)
    return Check("time", Status.MISSING, f"{error.message} Searches are refused.", error.advice)


def _custody(settings: Settings) -> Check:
    """Who holds the root key, and whose key is away. A token is not asked here: see `limen keys status`."""
    try:
        content = json.loads((settings.data / "vault" / "keys.json").read_text())
        away = sorted(code for code, entry in content["countries"].items() if entry.get("state") == "revoked")
    except FileNotFoundError:
        return Check("keys", Status.OK, "This hub has no keys yet; they are made at its first start.")
    except (OSError, ValueError, KeyError, AttributeError):
        return Check("keys", Status.MISSING, "The key store cannot be read.", "Restore DATA/vault from its backup.")
    absent = f" Taken back, and not searched: {', '.join(away)}." if away else ""
    if content.get("custody") == "file":
        text = f"The root key lies in a file beside what it protects.{absent}"
        return Check("keys", Status.ADVISED, text, "limen keys custody passphrase, or token (docs/keys.md).")
    return Check("keys", Status.OK, f"The root key is held by: {content.get('custody')}.{absent}")


def _space(settings: Settings) -> Check:
    folder = settings.data if settings.data.is_dir() else settings.data.absolute().parent
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free >= LEAST_SPACE:
        return Check("disk-space", Status.OK, f"{free / (1 << 30):.0f} GB are free.")
    return Check("disk-space", Status.ADVISED, f"Only {free / (1 << 20):.0f} MB are free.", "Make room.")


def _models(settings: Settings) -> Check:
    folder = models.folder_of(settings.data)
    models.look_in(folder)
    try:
        for name in {*models.shipped(), *in_use.chosen(folder)}:
            models.read(name)
    except LimenError as error:
        return Check("models", Status.MISSING, error.message, error.advice)
    return Check("models", Status.OK, f"All {len(models.shipped())} models are installed and unchanged.")


def _processes(settings: Settings) -> Iterator[Check]:
    try:
        state = json.loads((settings.run / "state.json").read_text())
        parts, alive = state["parts"], Path(f"/proc/{int(state['pid'])}").exists()
    except (OSError, ValueError, KeyError, TypeError):
        parts, alive = {}, False
    if not alive or not any(part["state"] != "stopped" for part in parts.values()):
        yield Check("processes", Status.OK, "No hub is running on this data folder.")
        return
    down = [name for name in SUPERVISED if parts.get(name, {}).get("state") != "running"]
    restarts = sum(part["restarts"] for part in parts.values())
    if down:
        yield Check("processes", Status.ADVISED, f"Not running: {', '.join(down)}.", f"See {settings.data}/log.")
    else:
        yield Check("processes", Status.OK, f"All four processes are running; {restarts} restarts since the start.")
    yield from (_standing(one) for one in standing.of(settings, parts))


def _standing(part: standing.Standing) -> Check:
    """What is in force for one running process, as the kernel says."""
    if not part.lacking:
        return Check(f"confined-{part.name}", Status.OK, part.text)
    advice = "See the checks above; if they are fine, stop the hub and start it again."
    return Check(f"confined-{part.name}", Status.MISSING, f"{part.text} Missing: {', '.join(part.lacking)}.", advice)


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _lines(path: str) -> list[str]:
    return _text(path).splitlines()
