"""What each part keeps of the file system, once it runs (Landlock), on top of what `confine` takes from all of them.

The opener's zygote keeps what it has: its workers give up everything (`opener.worker`). The front must reach the
network and its database, which may lie anywhere; it gives up starting programs. A vault whose keys are in a token keeps
its files, because the token's library may need any; where it does not, it keeps its own folder alone.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from limen import confine
from limen.settings import Settings

SYSTEM = ("/usr", "/lib", "/lib64", "/etc/localtime", "/etc/ld.so.cache", "/proc/self", "/dev/urandom", "/dev/null")


def confined(name: str, settings: Settings) -> bool:
    """Confine this process as the part of this name; whether the kernel did so."""
    data = settings.data.absolute()
    match name:
        case "vault":
            secret = [Path(settings.passphrase_file).absolute().parent] if settings.passphrase_file else []
            if settings.pkcs11_module:
                return False
            return confine.allow_only([*_program(), *secret], [_made(data / "vault"), _made(data / "run")])
        case "matcher":
            return confine.allow_only([*_program(), _made(data / "models")], [_made(data / "run")])
        case "front":
            return confine.deny_programs()
    return False


def _program() -> list[Path]:
    """Python, its packages and ours: modules are loaded when they are first needed."""
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).parents[1]), *SYSTEM}
    native = {str(Path(place)) for place in sys.path if place}
    return [Path(path) for path in sorted(paths | native)]


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
