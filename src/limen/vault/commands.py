"""What operators and countries do with keys: `limen keys ...`, over the vault's own socket for it."""

from __future__ import annotations

import dataclasses
from enum import IntEnum
from typing import Any

import cbor2

from limen.errors import BadInput, BadMessage
from limen.ledger.pseudonym import reveal
from limen.vault.keys import KeyRing
from limen.vault.meter import Meter
from limen.wire.messages import KeyAnswer, KeyCommand


class Verb(IntEnum):
    """What is asked."""

    STATUS = 1  # -> {"custody", "front": Meter.state, "countries": [CountryState as a map]}
    ROTATE = 2  # -> {"epoch"}
    RETIRE = 3  # epoch -> {}
    REVOKE = 4  # {"handed", "passphrase"} -> {}
    RESTORE = 5  # {"handed", "passphrase"} -> {}
    HAND_OUT = 6  # {"passphrase"} -> {"handed"}
    RELEASE = 8  # -> {}; `limen keys release` asks for it once two people of the country have agreed
    REVEAL = 7  # {"entry", "pseudonym"} -> {"who"}; `limen ledger open` asks for it once two people have agreed


def run(keys: KeyRing, command: KeyCommand, meter: Meter | None = None) -> KeyAnswer:
    """Carry a command out.

    Raises:
        BadMessage: it is not one.
        LimenError: as `KeyRing` says.
    """
    try:
        verb, content = Verb(command.verb), cbor2.loads(command.tail)
        country = command.country.rstrip(b"\0").decode("ascii")
        given = {
            name: bytes(content[name]) for name in ("passphrase", "handed", "entry", "pseudonym") if name in content
        }
    except (ValueError, TypeError, cbor2.CBORDecodeError):
        raise BadMessage("This is no command about keys.") from None
    return KeyAnswer(cbor2.dumps(_done(keys, meter, verb, country, command.epoch, given)))


def _done(
    keys: KeyRing, meter: Meter | None, verb: Verb, country: str, epoch: int, given: dict[str, bytes]
) -> dict[str, Any]:
    match verb:
        case Verb.STATUS:
            return {
                "front": meter.state() if meter else None,
                "custody": keys.custody,
                "countries": [dataclasses.asdict(one) for one in keys.states()],
            }
        case Verb.ROTATE:
            return {"epoch": keys.rotate(country)}
        case Verb.RETIRE:
            keys.retire(country, epoch)
        case Verb.REVOKE:
            keys.revoke(country, given.get("handed", b""), given.get("passphrase", b""))
        case Verb.HAND_OUT:
            return {"handed": keys.hand_out(country, given.get("passphrase", b""))}
        case Verb.RELEASE:
            keys.release(country)
        case Verb.REVEAL:
            return {"who": reveal(keys.pseudonyms, given.get("entry", b""), given.get("pseudonym", b""))}
        case Verb.RESTORE:
            keys.restore(country, given.get("handed", b""), given.get("passphrase", b""))
        case _:
            raise BadInput("There is no such command.")
    return {}
