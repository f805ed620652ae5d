"""What each part keeps of the machine, once it runs, on top of what `confine` takes from all of them.

| part | files (Landlock) | sockets (seccomp) | besides |
|---|---|---|---|
| vault | reads its program; writes DATA/vault, DATA/run | Unix | with a token: all files and TCP, for its library |
| opener | reads its program, models; writes DATA/run | Unix | forks workers, which give up all (`opener.worker`) |
| matcher | reads its program, models; writes DATA/run | Unix | |
| front | what its user may: its database may lie anywhere | Unix, TCP | |

None starts programs, traces or signals others, or makes system calls beyond `confine.calls`; as root, each keeps the
few capabilities that it needs to read its files and lock its memory.
"""

from __future__ import annotations

import socket
import sys
import sysconfig
from pathlib import Path

from limen import confine
from limen.confine.process import DAC_OVERRIDE, FOWNER, IPC_LOCK, NET_BIND_SERVICE
from limen.settings import Settings

#: The system's libraries, chance, and what is asked about the processors.
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/localtime", "/etc/ld.so.cache", "/dev/urandom", "/dev/null"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system"),
)
#: What onnxruntime asks about the machine, nothing of ours; and all of /proc, where each worker is another "self".
MACHINE = ("/sys", "/proc")

FILES, PROGRAMS, CALLS = "files", "programs", "system-calls"
KEPT = frozenset({DAC_OVERRIDE, FOWNER, IPC_LOCK})  # of root's capabilities: data may belong to somebody else


def confined(name: str, settings: Settings) -> list[str]:
    """Confine this process as the part of this name: what the kernel then keeps from it (`wanted`, if all is well).

    To be called while the process has one thread: what is given up holds for those that it starts.
    """
    confine.keep_capabilities(KEPT | {NET_BIND_SERVICE} if name == "front" else KEPT)
    given_up = [FILES if _few_files(name, settings) else PROGRAMS] if _landlocked(name, settings) else []
    families = {socket.AF_UNIX}
    if name == "front" or _has_token(name, settings):
        families |= {socket.AF_INET, socket.AF_INET6}
    if confine.allow_service(families, children=name == "opener", devices=_has_token(name, settings)):
        given_up.append(CALLS)
    return given_up


def wanted(name: str, settings: Settings) -> set[str]:
    """What a part is to be kept from on a machine that lacks nothing."""
    return {FILES if _few_files(name, settings) else PROGRAMS, CALLS}


def _landlocked(name: str, settings: Settings) -> bool:
    data = settings.data.absolute()
    if not _few_files(name, settings):
        return confine.deny_programs()
    run = _made(data / "run")
    match name:
        case "vault":
            secret = [Path(settings.passphrase_file).absolute().parent] if settings.passphrase_file else []
            return confine.allow_only([*_program(), *secret], [_made(data / "vault"), run])
        case "opener":
            read = [*_program(), *map(Path, MACHINE), _made(data / "models")]
            return confine.allow_only(read, [run, Path("/dev/null")])
        case _:
            return confine.allow_only([*_program(), _made(data / "models")], [run])


def _few_files(name: str, settings: Settings) -> bool:
    return name != "front" and not _has_token(name, settings)


def _has_token(name: str, settings: Settings) -> bool:
    return name == "vault" and bool(settings.pkcs11_module)


def _program() -> list[Path]:
    """Python, its packages and ours: modules are loaded when they are first needed."""
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).parents[1]), *SYSTEM}
    native = {str(Path(place)) for place in sys.path if place}
    return [Path(path) for path in sorted(paths | native)]


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
