"""What docs/ledger.md gives to those who trust nothing of ours is run as it stands there, by a bare Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.ledger.logs import IDENTITY, grow, line

from limen.ledger.audit import audit
from limen.ledger.tiles import pack_bundle

PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"


def check(folder: Path, key: bytes = IDENTITY) -> subprocess.CompletedProcess[str]:
    """Run the page's program, without anything that is installed."""
    program = PAGE.read_text().partition("```python\nimport base64")[2].partition("```")[0]
    command = [sys.executable, "-I", "-S", "-c", "import base64" + program, str(folder), key.hex()]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_a_good_log_has_the_root_that_our_own_audit_finds(tmp_path: Path, size: int) -> None:
    grow(tmp_path, size)
    assert check(tmp_path).stdout.split() == [str(size), audit(tmp_path, IDENTITY).checkpoint.root.hex()]


def test_an_edited_a_reordered_and_a_shortened_log_and_another_key_are_refused(tmp_path: Path) -> None:
    grow(tmp_path, 300)
    bundle, head = tmp_path / "tile/entries/000", tmp_path / "checkpoint"
    good, signed = bundle.read_bytes(), head.read_bytes()
    numbers = list(range(256))
    for changed in ([9999, *numbers[1:]], [1, 0, *numbers[2:]]):
        bundle.write_bytes(pack_bundle([line(number) for number in changed]))
        assert "do not hash to the signed root" in check(tmp_path).stderr
    bundle.write_bytes(good)
    head.write_bytes(signed.replace(b"\n300\n", b"\n256\n"))
    assert check(tmp_path).returncode
    head.write_bytes(signed)
    assert check(tmp_path, IDENTITY[::-1]).returncode
    assert not check(tmp_path).returncode
