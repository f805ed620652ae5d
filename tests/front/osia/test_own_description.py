"""The hub's own API against its own description, in the name of every role: no request makes a part of it fail."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.front.osia.client import Osia, schemathesis

from limen.access.directory import Role


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("role", list(Role))
def test_nothing_that_a_role_sends_is_a_server_error(osia: Osia, tmp_path: Path, role: Role) -> None:
    who = f"BIH/tries-{role}"
    osia.made.limen("access", "officer", "add", who, "--role", role.value)
    file = tmp_path / "openapi.json"
    described = httpx.get(f"{osia.made.settings.url}/openapi.json").json()
    file.write_text(json.dumps(described))
    said = schemathesis(
        osia,
        file,
        osia.made.settings.url,
        who,
        "--phases=examples,coverage,fuzzing",
        "--max-examples=3",
        "--checks=not_a_server_error,response_schema_conformance",
    )
    assert "generated" in said
