"""The whole API in the name of every role: nothing fails, and no request reads what is another country's.

What is tried is the same everywhere and at any time: the description's own boundary cases, and random ones that are
drawn from a fixed beginning.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.front.osia.client import Osia, schemathesis
from tests.front.osia.described import whole
from tests.front.osia.planted import CLERK, EXAMINER, plant

from limen.access import directory, sessions
from limen.access.directory import Role
from limen.access.sessions import Way
from limen.records.database import open_database

CHECKS = "--checks=not_a_server_error,response_schema_conformance,nothing_of_another_country"


@pytest.fixture(scope="module")
def theirs(osia: Osia) -> dict[str, str]:
    """Names and numbers of what France alone may see."""
    return plant(osia)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("role", list(Role))
def test_nothing_that_a_role_sends_fails_or_reads_another_countrys_data(
    osia: Osia, theirs: dict[str, str], tmp_path: Path, role: Role
) -> None:
    who = f"BIH/tries-{role}"
    osia.made.limen("access", "officer", "add", who, "--role", role.value)
    # The boundary cases reach the same code whoever asks: they are tried by the role that may most with records.
    phases = "examples,coverage,fuzzing" if role is Role.CLERK else "examples,fuzzing"
    said = _tried(osia, theirs, tmp_path, who, f"--phases={phases}")
    assert "generated" in said
    with osia.made.http(who) as api:
        assert api.get("/v1/hits").status_code in (200, 403)  # and not 401: they were somebody to the end


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("who", "path", "seen"),
    [(CLERK, "/desk", "another country's was read"), (EXAMINER, "/v1/hits/{hit_id}", "was there for the asker")],
)
def test_what_is_planted_would_be_seen(
    osia: Osia, theirs: dict[str, str], tmp_path: Path, who: str, path: str, seen: str
) -> None:
    with pytest.raises(AssertionError) as failed:
        _tried(osia, theirs, tmp_path, who, f"--include-path={path}", "--phases=fuzzing")
    assert seen in str(failed.value)


def _tried(osia: Osia, theirs: dict[str, str], folder: Path, who: str, *options: str) -> str:
    for of in ("searches", "reads", "changes", "deletions"):  # caps are tried elsewhere; here they would hide the rest
        osia.made.limen("access", "cap", who, "--of", of, "--minute=100000", "--hour=1000000", "--day=1000000")
    with open_database(osia.made.settings).writing() as session:
        officer = directory.find_officer(session, who)
        assert officer is not None
        cookie = sessions.begin(session, officer, Way.LINK)
    file = folder / "openapi.json"
    file.write_text(json.dumps(whole(osia.made.settings)))
    return schemathesis(
        osia,
        file,
        osia.made.settings.url,
        who,
        "--max-examples=3",
        CHECKS,
        *options,
        hooks="foreign_hook",
        LIMEN_TEST_PLANTED=json.dumps(theirs),
        LIMEN_TEST_SESSION=cookie,
    )
