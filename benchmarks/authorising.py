"""`python -m benchmarks.authorising`: what a decision of policy takes, for each role and everything that can be asked.

Processor time of this process, so that other programs on the machine disturb it little.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time

import numpy as np

from limen.access.directory import Role
from limen.access.policy import Action, DeviceState, Policy, may, put_in_force
from limen.errors import NotAllowed
from limen.terms import Purpose

#: A hub's own restrictions cost time too: as many as one with a rule for each of ten countries' gates.
RULES = {
    f"gates-{number}": f"""@because("Registered devices only.")
    forbid (principal, action == Limen::Action::"search", resource)
    when {{ principal.country == Limen::Country::"{code}" }} unless {{ context.device == "registered" }};"""
    for number, code in enumerate(("SRB", "FRA", "DEU", "ITA", "ESP", "PRT", "GRC", "HRV", "AUT", "POL"))
}


@dataclasses.dataclass
class Asker:
    """An officer, as far as policy looks at them."""

    role: str
    country: str = "BIH"
    retired: int | None = None
    suspended: int | None = None


def main() -> None:
    """Print percentiles by role."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.authorising", description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="decisions of each kind (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()

    found = {}
    for name, rules in (("the release's rules", {}), (f"and {len(RULES)} of a hub", RULES)):
        put_in_force(Policy(rules))
        found[name] = {role.value: _measured(role, given.times) for role in Role}
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, rows in found.items():
        print(name)
        print(
            f"{'role':18}{'permitted':>11}{'denied':>9}{'p50 ms':>9}{'p99 ms':>9}{'denied p50':>12}{'denied p99':>12}"
        )
        for role, row in rows.items():
            print(
                f"{role:18}{row['permitted']:>11,}{row['denied']:>9,}{row['p50_ms']:>9.3f}{row['p99_ms']:>9.3f}"
                f"{row['denied_p50_ms']:>12.3f}{row['denied_p99_ms']:>12.3f}"
            )


def _measured(role: Role, times: int) -> dict[str, float]:
    """Milliseconds of all that a role can ask, its own country's and another's."""
    permitted, denied = [], []
    for action in Action:
        for owner in ("BIH", "FRA"):
            for _ in range(times):
                began = time.thread_time()
                try:
                    may(
                        Asker(role.value),
                        action,
                        purpose=Purpose.BORDER_CONTROL,
                        owner=owner,
                        device=DeviceState.REGISTERED,
                        device_name="BIH/gate-1",
                        subject="officer",
                        matter="export",
                    )
                    permitted.append(time.thread_time() - began)
                except NotAllowed:
                    denied.append(time.thread_time() - began)
    figures = {"permitted": len(permitted), "denied": len(denied)}
    for prefix, values in (("", permitted), ("denied_", denied)):
        for share in (50, 99):
            figures[f"{prefix}p{share}_ms"] = float(np.percentile(values, share)) * 1e3
    return figures


if __name__ == "__main__":
    main()
