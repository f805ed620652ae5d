"""OSIA against a whole hub: what each operation does, call-backs, and the standard's own description."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.front.osia.client import CLERK, OFFICER, ROOT, Osia, schemathesis

from limen.front.osia.callbacks import signed_bytes

STANDARD = Path(os.environ.get("LIMEN_TEST_OSIA", ROOT.parent / "shared" / "standards" / "osia-abis-1.6.0.yaml"))


def test_a_wanted_person_is_found_without_a_score(osia: Osia) -> None:
    with osia.http(OFFICER) as api:
        found = api.post("/identify/ALL", json={"filter": {}, "biometricData": osia.data()})
        assert found.status_code == 200, found.text
        [candidate] = found.json()
        assert (candidate["personId"], candidate["rank"], candidate["score"]) == ("FRA:FRA-2026-0001", 1, 1.0)
        assert candidate["others"]["notice"] == "red" and candidate["others"]["next"]
        assert candidate["scores"] == [{"score": 1.0, "galleries": ["locate-wanted"]}]
        other = api.post("/identify/alert", json={"filter": {}, "biometricData": osia.data()})
        assert other.json() == []
        nobody = api.post("/identify/ALL", params={"maxNbCand": 0}, json={"filter": {}, "biometricData": osia.data()})
        assert nobody.json() == []


def test_what_is_not_searched_is_said(osia: Osia) -> None:
    search = {"filter": {}, "biometricData": osia.data("face")}
    cases = [
        ({}, search | {"filter": {"dateOfBirthMin": "1980-01-01"}}, 403),
        ({}, search | {"biometricData": [{"biometricType": "FACE", "imageRef": "http://x.test/1"}]}, 403),
        ({}, search | {"biometricData": [{"biometricType": "FACE", "template": "AAAA"}]}, 403),
        ({}, search | {"biometricData": [{"biometricType": "FACE", "image": "!"}]}, 400),
        ({}, search | {"biometricData": [{"biometricType": "FACE", "image": "AAAA"}]}, 400),
        ({}, {"biometricData": []}, 400),
        ({"callback": "http://169.254.169.254/latest"}, search, 403),
        ({"callback": f"{osia.client.origin}@evil.test/"}, search, 403),
        ({"callback": "file:///etc/passwd"}, search, 403),
    ]
    with osia.http(OFFICER) as api:
        for params, body, status in cases:
            answer = api.post("/identify/ALL", params=params, json=body)
            assert answer.status_code == status, (params, answer.text)
            assert set(answer.json()) == {"code", "message"}
        assert api.post("/identify/VIP", json=search).status_code == 404
        assert api.post("/identify/ALL", json=search, headers={"Limen-Purpose": ""}).status_code == 403
        assert "cannot tell" in api.post("/identify/ALL", json=cases[4][1]).json()["message"]


def test_verification_is_of_one_person(osia: Osia) -> None:
    with osia.http(OFFICER) as api:
        body = {"biometricData": osia.data()}
        true = api.post("/verify/ALL/FRA:FRA-2026-0001", json=body).json()
        assert true["decision"] is True and true["scores"][0]["score"] == 1.0
        assert true["scores"][0]["galleries"] == ["locate-wanted"]
        assert api.post("/verify/ALL/FRA:FRA-2026-0002", json=body).json() == {"decision": False}
        assert api.post("/verify/ALL/FRA:FRA-2026-0003", json=body).status_code == 404
        assert api.post("/verify", json={"biometricData1": [], "biometricData2": []}).status_code == 403


def test_persons_from_beginning_to_end(osia: Osia) -> None:
    with osia.http() as api:
        assert api.post("/persons/p1/encounters/e1", json=osia.encounter()).json() == {
            "personId": "p1",
            "encounterId": "e1",
        }
        assert api.post("/persons/p1/encounters/e1", json=osia.encounter()).status_code == 409
        second = api.post("/persons/p1/encounters", json=osia.encounter(galleries=["alert"])).json()["encounterId"]
        own = api.post("/persons", json=osia.encounter()).json()

        read = api.get("/persons/p1/encounters/e1").json()
        assert read["biographicData"]["lastName"] == "Ćosić" and read["contextualData"]["place"] == "Sarajevo"
        assert [item["biometricSubType"] for item in read["biometricData"]] == ["RIGHT_INDEX", "LEFT_INDEX"]
        assert all("image" not in item and "template" not in item for item in read["biometricData"])
        assert {one["encounterId"] for one in api.get("/persons/p1/encounters").json()} == {"e1", second}
        assert api.get("/persons/p1/encounters/e1/templates").status_code == 403

        assert api.put("/persons/p1/encounters/e1", json=osia.encounter(encounterType="new")).status_code == 200
        assert api.put("/persons/p1/encounters/e1/status", params={"status": "INACTIVE"}).status_code == 204
        assert api.put("/persons/p1/encounters/e1/galleries", json=["identify-person"]).status_code == 204
        changed = api.get("/persons/p1/encounters/e1").json()
        assert (changed["encounterType"], changed["status"], changed["galleries"]) == (
            "new",
            "INACTIVE",
            ["identify-person"],
        )

        ids = {(one["personId"], one["encounterId"]) for one in api.get("/galleries/ALL").json()}
        assert {("p1", "e1"), ("p1", second), (own["personId"], own["encounterId"])} <= ids
        csv = api.get("/galleries/identify-person", headers={"Accept": "text/csv"})
        assert csv.headers["content-type"].startswith("text/csv") and "p1,e1" in csv.text.splitlines()

        again = api.post(f"/identify/ALL/{own['personId']}", json={"biometricType": ["FINGER"]}).json()
        assert own["personId"] not in {one["personId"] for one in again}
        assert "p1" in {one["personId"] for one in again}

        assert api.post(f"/persons/{own['personId']}/merge/p1").status_code == 204
        assert api.get("/persons/p1/encounters").status_code == 404
        assert len(api.get(f"/persons/{own['personId']}/encounters").json()) == 3
        assert api.post("/persons/p2/encounters/e1", json=osia.encounter()).status_code == 200
        assert api.post(f"/persons/p2/merge/{own['personId']}").status_code == 409
        assert api.post(f"/persons/p2/move/{own['personId']}/encounters/{second}").status_code == 204
        assert api.delete("/persons/p2/encounters/e1").status_code == 204
        assert api.get("/persons/p2/encounters").json()[0]["encounterId"] == second
        for person in ("p2", own["personId"]):
            assert api.delete(f"/persons/{person}").status_code == 204
            assert api.delete(f"/persons/{person}").status_code == 404


def test_only_a_clerk_and_only_of_ones_own_country(osia: Osia) -> None:
    with osia.http(OFFICER) as api:
        assert api.post("/persons", json=osia.encounter()).status_code == 403
        assert api.get("/galleries/ALL").status_code == 403
        assert api.delete("/persons/FRA-2026-0001").status_code == 403
    with osia.http() as api:
        assert api.get("/persons/FRA-2026-0001/encounters").status_code == 404
        assert api.delete("/persons/FRA-2026-0001").status_code == 404
        assert api.post("/identify/ALL/FRA:FRA-2026-0001", json={}).status_code == 404
    assert httpx.get(f"{osia.made.settings.url}/osia/v1/galleries", params={"transactionId": "t"}).status_code == 403


def test_a_result_is_called_back_signed_and_again_until_it_is_taken(osia: Osia) -> None:
    osia.client.got.clear()
    osia.client.statuses[:] = [500]
    with osia.http(OFFICER) as api, osia.http() as clerk:
        body = {"filter": {}, "biometricData": osia.data()}
        address = f"{osia.client.origin}/done?x=1"
        task = api.post("/identify/ALL", params={"callback": address, "priority": 9}, json=body)
        assert task.status_code == 202
        name = task.json()["taskId"]
        osia.client.wait(2)
        path, kind, signature, sent = osia.client.got[1]
        assert path == f"/done?x=1&transactionId=t&taskId={name}" and kind == "application/json"
        assert b"FRA:FRA-2026-0001" in sent
        hub = Ed25519PublicKey.from_public_bytes(
            bytes.fromhex(httpx.get(f"{osia.made.settings.url}/v1/hub").json()["public_key"])
        )
        hub.verify(base64.b64decode(signature), signed_bytes(osia.client.origin + path, sent))
        _until(lambda: api.get(f"/tasks/{name}/status").json() == "COMPLETED")
        assert api.post(f"/tasks/{name}/redeliver").status_code == 404
        assert clerk.get(f"/tasks/{name}/status").status_code == 404

        osia.client.got.clear()
        failed = clerk.delete("/persons/nobody", params={"callback": osia.client.origin})
        assert failed.status_code == 202
        osia.client.wait(1)
        assert osia.client.got[0][1] == "application/error+json" and b'"code": 404' in osia.client.got[0][3]


def test_ids_may_hold_any_character(osia: Osia) -> None:
    person = "a/b\n é?#%2F"
    at = f"/persons/{quote(person, safe='')}"
    with osia.http() as api:
        assert api.post(f"{at}/encounters/e.1", json=osia.encounter()).json()["personId"] == person
        assert [one["encounterId"] for one in api.get(f"{at}/encounters").json()] == ["e.1"]
        assert {"personId": person, "encounterId": "e.1"} in api.get("/galleries/ALL").json()
        assert api.get("/persons/a/encounters/b%0A%20%C3%A9%3F%23%252F%2Fe.1").status_code == 404
        verified = api.post(f"/verify/ALL/{quote(person, safe='')}", json={"biometricData": osia.data("right-index")})
        assert verified.status_code == 200, verified.text
        for taken_by_nobody in ("e%2F1", "%20e", "e" * 61):
            assert api.post(f"{at}/encounters/{taken_by_nobody}", json=osia.encounter()).status_code == 403
            assert api.put(f"{at}/encounters/{taken_by_nobody}", json=osia.encounter()).status_code == 404
        assert api.delete(at).status_code == 204


def test_no_body_is_no_filter(osia: Osia) -> None:
    with osia.http() as api:
        named = api.post("/persons/p9/encounters/e1", json=osia.encounter())
        assert named.status_code == 200, named.text
        for address in ("/identify/ALL/p9", "/identify/ALL/p9/encounters/e1"):
            answer = api.post(address)
            assert answer.status_code == 200, answer.text
            assert answer.json() == api.post(address, json={}).json()
            assert api.post(address, content=b"{}").status_code == 400
        assert api.delete("/persons/p9").status_code == 204


def test_what_is_not_there_is_said_as_osia_says_it(osia: Osia) -> None:
    base = f"{osia.made.settings.url}/osia"
    with osia.http() as api:
        for method, address, status in (
            ("GET", "/v1/nothing", 404),
            ("GET", "/v2/galleries", 404),
            ("GET", "/v1/persons//encounters", 404),
            ("PATCH", "/v1/galleries", 405),
            ("GET", "/v1/persons/a%0Ab/merge/c", 405),
        ):
            for headers in ({}, {"Accept": "text/html"}):
                answer = api.request(method, base + address, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (status, status), (address, answer.text)
                assert set(answer.json()) == {"code", "message"}
        assert api.patch(f"{base}/v1/galleries").headers["Allow"] == "GET"
    stranger = httpx.get(f"{base}/v1/nothing")
    assert (stranger.status_code, stranger.json()["code"]) == (403, 401)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not STANDARD.is_file(), reason="OSIA's description is not here; set LIMEN_TEST_OSIA to the file")
def test_the_standards_description_holds(osia: Osia) -> None:
    """Schemathesis' checks on all operations, by a clerk: the same requests each time (decision 0430)."""
    schemathesis(
        osia,
        STANDARD,
        f"{osia.made.settings.url}/osia",
        CLERK,
        # LIMEN_TEST_OSIA_PHASES=examples,coverage,fuzzing,stateful tries 5,000 boundary cases more, in ten minutes.
        "--phases=" + os.environ.get("LIMEN_TEST_OSIA_PHASES", "examples,fuzzing,stateful"),
        "--max-examples=3",
        # The description knows no 401, which this check alone demands of requests by nobody; `ignored_auth` remains.
        "--exclude-checks=missing_required_header",
        "-H",
        "Limen-Purpose: border-control",
    )


def _until(true: Any) -> None:
    end = time.monotonic() + 240
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
