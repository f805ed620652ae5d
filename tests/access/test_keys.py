"""Key files of officers and devices."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from limen.access import keys
from limen.errors import BadInput, NotFound


@pytest.fixture(autouse=True)
def key_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMEN_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_a_key_is_made_for_its_user_alone(key_folder):
    public = keys.generate("BIH/officer1")
    file = key_folder / "BIH" / "officer1.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.load("BIH/officer1").public_key().public_bytes_raw() == public
    assert len(keys.fingerprint(public)) == 16


def test_a_key_is_never_overwritten():
    keys.generate("BIH/officer1")
    with pytest.raises(BadInput, match="already"):
        keys.generate("BIH/officer1")


def test_a_missing_key_says_where_it_was_looked_for(key_folder):
    with pytest.raises(NotFound) as caught:
        keys.load("BIH/officer1")
    assert str(key_folder) in str(caught.value)


def test_another_file_is_no_key(key_folder):
    keys.generate("BIH/officer1")
    keys.path("BIH/officer1").write_text("nothing")
    with pytest.raises(BadInput, match="no Ed25519"):
        keys.load("BIH/officer1")


def test_public_keys_come_in_three_forms(tmp_path):
    raw = keys.generate("BIH/officer1")
    public = keys.load("BIH/officer1").public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    ssh = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH) + b" officer@gate\n"
    for form in (pem, ssh, base64.b64encode(raw) + b"\n"):
        (tmp_path / "public").write_bytes(form)
        assert keys.read_public(tmp_path / "public") == raw


def test_other_public_keys_are_refused(tmp_path):
    other = generate_private_key(SECP256R1()).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for form in (pem, b"", b"ssh-rsa AAAA", b"\xff\xfe", base64.b64encode(b"short")):
        (tmp_path / "public").write_bytes(form)
        with pytest.raises(BadInput, match="no Ed25519 public key"):
            keys.read_public(tmp_path / "public")
    with pytest.raises(BadInput, match="cannot be read"):
        keys.read_public(tmp_path / "absent")


@pytest.mark.parametrize("name", ["../../etc/x", "BIH/../../x", "BIH/.ssh", "/BIH/x"])
def test_names_do_not_leave_the_folder(name):
    with pytest.raises(BadInput, match="no name"):
        keys.path(name)
