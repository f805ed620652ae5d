"""Settings: defaults, the hub's file, the environment; what is misspelt or out of range is refused, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from limen import settings
from limen.errors import BadInput


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "PRODUCTION", "FPIR_HIT", "LINK_SIGN_IN", "CUSTODY", "WATCH", "TLS"):
        monkeypatch.delenv(f"LIMEN_{name}", raising=False)


def test_the_environment_goes_before_the_file_and_a_command_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "limen.toml").write_text("port = 1001\nworkers = 3\nfpir_hit = 1e-6\n")
    monkeypatch.setenv("LIMEN_PORT", "1002")
    found = settings.load(tmp_path)
    assert (found.port, found.workers, found.fpir_hit) == (1002, 3, 1e-6)
    assert settings.load(tmp_path, port=1003).port == 1003


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), (" on", True), ("no", False), ("0", False)])
def test_true_and_false_are_read_as_people_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("LIMEN_PRODUCTION", text)
    assert settings.load(tmp_path).production is value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("PRODUCTION", "enabled", "true or false"),  # once read as false, without a word
        ("LINK_SIGN_IN", "", "true or false"),
        ("PORT", "99999", "between 0 and 65535"),
        ("PORT", "http", "a whole number"),
        ("FPIR_HIT", "0", "between 1e-09 and 1"),
        ("FPIR_HIT", "nan", "between 1e-09 and 1"),
        ("FPIR_HIT", "1 in 1000", "a number"),
        ("WATCH", "allert", "suspend, alert"),
        ("CUSTODY", "tokens", "file, passphrase, token"),
        ("TLS", "always", "auto, on, off"),
    ],
)
def test_what_a_hub_cannot_go_by_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, says: str
) -> None:
    monkeypatch.setenv(f"LIMEN_{name}", text)
    with pytest.raises(BadInput) as refused:
        settings.load(tmp_path)
    assert f"'{name.lower()}'" in refused.value.message
    assert says in f"{refused.value.message} {refused.value.advice}"


@pytest.mark.parametrize(("content", "says"), [("port = ", "cannot be read"), ("prot = 1", "no setting 'prot'")])
def test_a_file_that_is_wrong_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "limen.toml").write_text(content)
    with pytest.raises(BadInput, match=says):
        settings.load(tmp_path)
