"""Nothing secret in the tree, all that is installed is pinned with its hash, and the check for secrets sees them."""

from __future__ import annotations

import importlib.util
import json
import re
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]


def script(name: str):
    loader = SourceFileLoader(name, str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


PLANTED = {
    "a private key": "-----BEGIN EC PRIV"
    + "ATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\n",
    "an AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a GitHub or GitLab token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "credentials in an address": "postgresql://limen:" + "hunter2hunter2@db.example/limen",
    "a secret written down": 'api_key = "' + 'q7Zp9Lx2Vn4TtR8w"',
    "a signed token": "eyJhbGciOiJFZERTQSJ9." + "eyJzdWIiOiJCSUgvb2ZmaWNlcjEifQ." + "c2lnbmF0dXJlc2lnbmF0dXJl",
}


@pytest.mark.parametrize("what", PLANTED)
def test_the_check_sees_a_planted_secret_and_where(what):
    found = script("secrets").findings(b"first line\n" + PLANTED[what].encode())
    assert found == [(2, what)]


@pytest.mark.parametrize(
    "text", ["password = getpass()", 'secret="{secret}"', 'token_key = "the same word"', "x://a/b:c@d"]
)
def test_words_about_secrets_are_none(text):
    assert script("secrets").findings(text.encode()) == []


def test_every_package_is_pinned_with_its_hash():
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", lock.strip())
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert len(packages) > 50
    for entry in packages:
        assert re.match(r"[a-z0-9._-]+==\S+", entry) and "--hash=sha256:" in entry, entry.split("\n")[0]


class Index:
    """A mirror that answers for projects alone: their newest version and its advisories. Fits pip-audit's session."""

    def __init__(self, newest):
        self.newest, self.asked = newest, []

    def get(self, url, timeout):
        self.asked.append(url)
        answer = requests.Response()
        project = url.split("/pypi/")[1].removesuffix("/json")
        answer.status_code = 200 if project in self.newest else 404
        if answer.ok:
            version, known = self.newest[project]
            said = [{"id": one, "aliases": [], "fixed_in": ["9.9"], "details": "x", "withdrawn": None} for one in known]
            answer._content = json.dumps({"info": {"version": version}, "vulnerabilities": said}).encode()
        return answer


def audited(newest, *packages):
    from pip_audit._service.pypi import PyPIService

    audit = script("audit")
    service = PyPIService()
    service.session = audit.Session(Index(newest))
    return audit.audit(service, packages)


def test_a_project_answers_for_its_newest_release_and_no_other():
    newest = {"idna": ("3.20", []), "jinja2": ("3.2", ["PYSEC-1"]), "numpy": ("2.5.5", []), "old/1.0": ("1.0", ["P-2"])}
    clean = audited(newest, ("idna", "3.20"))
    assert (clean.answered, clean.findings, clean.unanswered) == (1, [], [])
    assert clean.verdict(reachable_or_not=False) == 0
    partly = audited(newest, ("idna", "3.20"), ("numpy", "2.4.6"), ("absent", "1"))
    assert partly.answered == 1 and partly.unanswered == ["numpy 2.4.6", "absent 1"]
    assert partly.verdict(reachable_or_not=False) == 2 and partly.verdict(reachable_or_not=True) == 0
    bad = audited(newest, ("jinja2", "3.2"), ("absent", "1"), ("old", "1.0"))
    assert bad.findings == ["jinja2 3.2: PYSEC-1, mended in 9.9", "old 1.0: P-2, mended in 9.9"]
    assert bad.verdict(reachable_or_not=True) == 1  # what is known is never let pass
    assert audited({}, ("idna", "3.20")).verdict(reachable_or_not=False) == 2
