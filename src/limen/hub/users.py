"""A user id of its own for each part, where the hub is started as root: none can read, signal or replace another's.

The setting `users` names a prefix: `limen` stands for the users limen-vault, limen-opener, limen-matcher and
limen-front, and the group `limen` that all four are in (`packaging/limen.sysusers`). The supervisor stays root and does
nothing but start, watch and stop; each part gives root up before its first line of Python.

    DATA          root:limen 1770      the sticky bit: nobody renames or removes another's files
    DATA/run      root:limen 1770      sockets: their owner's, 0660; who connects checks who serves (`wire.sockets`)
    DATA/vault    limen-vault 0700     keys
    all else      limen-front          records, ledger; not the log, which the supervisor writes
"""

from __future__ import annotations

import grp
import os
import pwd
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from limen.errors import BadInput
from limen.settings import Settings

PARTS = ("vault", "opener", "matcher", "front")


@dataclass(frozen=True)
class Users:
    """User ids by part, and the group that all are in."""

    uids: dict[str, int]
    gid: int


def of(settings: Settings) -> Users | None:
    """The parts' users; None where they share the supervisor's.

    Raises:
        BadInput: `users` is set, and this is not root, or a user or the group does not exist.
    """
    if not settings.users:
        return None
    if os.geteuid() != 0:
        raise BadInput("The setting 'users' needs the hub to be started as root.", advice="Start it so, or unset it.")
    try:
        uids = {part: pwd.getpwnam(f"{settings.users}-{part}").pw_uid for part in PARTS}
        return Users(uids, grp.getgrnam(settings.users).gr_gid)
    except KeyError as error:
        raise BadInput(
            f"There is no user or group {str(error).split(': ')[-1]}.",
            advice="Make them: systemd-sysusers packaging/limen.sysusers.",
        ) from None


def prepare(settings: Settings, users: Users) -> None:
    """Give the data folder's content to whom it belongs, and let locked memory be as large as it must."""
    data = settings.data
    for folder in (data, settings.run):
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, 0, users.gid)
        folder.chmod(0o1770)
    (data / "vault").mkdir(mode=0o700, exist_ok=True)
    (data / "models").mkdir(mode=0o750, exist_ok=True)
    for entry in data.iterdir():
        if entry.name in ("run", "log", "hub.lock") or entry.is_symlink():
            continue
        _give(entry, users.uids["vault" if entry.name == "vault" else "front"], users.gid)
        if entry.name == "models":  # opener and matcher read them
            for one in (entry, *entry.rglob("*")):
                one.chmod(one.stat().st_mode | (0o050 if one.is_dir() else 0o040))
    with suppress(ValueError, OSError):  # in a container that may not; the parts say then that memory is not locked
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _give(path: Path, uid: int, gid: int) -> None:
    for one in (path, *(path.rglob("*") if path.is_dir() else ())):
        os.chown(one, uid, gid, follow_symlinks=False)
