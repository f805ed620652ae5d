"""SoftHSM 2 tokens for tests, made and pulled at will."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so")


class Tokens:
    """A folder of tokens, as SoftHSM keeps them."""

    def __init__(self, folder: Path) -> None:
        module = next((path for path in MODULES if Path(path).exists()), None)
        if module is None or shutil.which("softhsm2-util") is None:
            pytest.skip("SoftHSM 2 is not installed (Debian package softhsm2)")
        self.module, self.folder = module, folder
        (folder / "tokens").mkdir(parents=True)
        self.config = folder / "softhsm2.conf"
        self.config.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(self.config)  # read when the module is loaded, in whichever process

    def add(self, label: str, pin: str = "1234") -> Path:
        """A new token; the file with its PIN."""
        words = ["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "5678"]
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
        file = self.folder / f"{label}.pin"
        file.write_text(pin + "\n")
        return file

    def pull(self) -> None:
        """All tokens are gone."""
        (self.folder / "tokens").rename(self.folder / "pulled")

    def put_in(self) -> None:
        """They are there again."""
        (self.folder / "pulled").rename(self.folder / "tokens")
