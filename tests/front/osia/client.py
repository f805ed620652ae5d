"""A whole hub with an OSIA client, and schemathesis to run against it."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.front.real_hub import RealHub, real_hub

from limen.access import keys
from limen.access.signing import HttpSignature

ROOT = Path(__file__).parents[3]
CLERK, OFFICER = "BIH/clerk1", "BIH/officer1"
PURPOSE = {"Limen-Purpose": "border-control"}


@dataclass
class Client:
    """An integrator's server: takes call-backs, answers them with the statuses given."""

    port: int = 0
    got: list[tuple[str, str, str, bytes]] = field(default_factory=list)  # path, type, signature, body
    statuses: list[int] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self, count: int) -> None:
        """Until so many call-backs have come."""
        end = time.monotonic() + 240
        while len(self.got) < count:
            assert time.monotonic() < end, "no call-back came"
            time.sleep(0.05)


@dataclass
class Osia:
    """A running hub with an OSIA client."""

    made: RealHub
    client: Client

    def http(self, who: str = CLERK) -> httpx.Client:
        """Signed requests of somebody."""
        auth = HttpSignature(keys.load(who), who)
        url = f"{self.made.settings.url}/osia/v1"
        return httpx.Client(base_url=url, auth=auth, timeout=90, params={"transactionId": "t"}, headers=PURPOSE)

    def data(self, *names: str) -> list[dict[str, Any]]:
        """The wanted person as OSIA has them."""
        return [
            {
                "biometricType": "FACE" if name == "face" else "FINGER",
                "biometricSubType": "PORTRAIT" if name == "face" else name.upper().replace("-", "_"),
                "image": base64.b64encode(self.made.wanted[name].read_bytes()).decode("ascii"),
            }
            for name in names or ("face", "right-index", "left-index")
        ]

    def encounter(self, **more: Any) -> dict[str, Any]:
        """An encounter of the wanted person."""
        said = {
            "status": "ACTIVE",
            "encounterType": "arrest",
            "galleries": ["locate-wanted"],
            "biographicData": {"firstName": "Ana", "lastName": "Ćosić", "dateOfBirth": "1980-02-01", "gender": "F"},
            "contextualData": {"notice": "blue", "place": "Sarajevo"},
            "biometricData": self.data("right-index", "left-index"),
        }
        return said | more


@contextlib.contextmanager
def whole_hub(folder: Path) -> Iterator[Osia]:
    """The hub and its client, until the block ends."""
    client = Client()

    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            client.got.append((self.path, self.headers["content-type"], self.headers["limen-signature"], body))
            self.send_response(client.statuses.pop(0) if client.statuses else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client.port = server.server_address[1]
    try:
        with real_hub(folder, osia_callbacks=f"https://other.test, {client.origin}") as made:
            made.limen("access", "officer", "add", CLERK, "--role", "clerk")
            yield Osia(made, client)
    finally:
        server.shutdown()


def schemathesis(
    osia: Osia, description: Path, url: str, who: str, *options: str, hooks: str = "signing_hook", **environment: str
) -> str:
    """Run it in somebody's name, with hooks of this folder; fails with what it says."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        str(description),
        "--url",
        url,
        f"--seed={os.environ.get('LIMEN_TEST_OSIA_SEED', '1')}",
        "--request-timeout=300",  # seconds: a busy machine is no failure
        "--request-retries=1",  # where a connection that waited just as long as the hub keeps it is closed meanwhile
        "--suppress-health-check=all",
        "--generation-database=none",
        "--no-color",
        *options,
    ]
    told = os.environ | {
        "SCHEMATHESIS_HOOKS": f"tests.front.osia.{hooks}",
        "LIMEN_TEST_SIGNER": who,
        "LIMEN_TEST_CALLBACK": f"{osia.client.origin}/fuzz",
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",  # nothing is tried in an order that differs from run to run
    }
    done = subprocess.run(command, env=told | environment, cwd=osia.made.settings.data, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout
