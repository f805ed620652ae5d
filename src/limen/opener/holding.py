"""Holding a capture for those who must verify a hit: only at the matcher's word, only sealed, only what they need.

After a probe worker has handed its templates over and reported, it waits for the matcher's word. For a no-hit that is
"let go", and the worker ends as it always does. For a hit or a referral the worker draws each picture anew from its
pixels (the bytes that came are never passed on: they are strangers'), has the vault seal them for the searching
country under a key of this search alone, and gives the sealed blob to the front. So nobody but the matcher, which
takes no word from the network, decides that a capture outlives its search; and what is held cannot be opened once the
vault has destroyed that key.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Sequence
from contextlib import suppress

from PIL import Image as Pillow

from limen.capture import container
from limen.capture.container import Sample
from limen.errors import LimenError
from limen.images import Image
from limen.opener.examine import Finding
from limen.opener.lifeline import dying_with
from limen.terms import Modality
from limen.vault.client import VaultClient
from limen.vault.seal import Context, Use
from limen.wire import receive, send
from limen.wire.messages import Held, Verdict

VERDICT_SECONDS = 30.0  # over the matcher's own deadline; the pool kills a worker that works for longer than it may
NO_SAMPLE = bytes(16)
MOST_HELD = 16  # pictures: a face, ten fingers, and room
FACE_EDGE = 1600  # pixels: what examiners need to compare faces (FISWG asks for 90 pixels between the eyes)
FACE_QUALITY = 92  # of JPEG
PRINT_EDGE = 4000  # pixels: a slap at 1000 ppi; prints are kept without loss


def hold_if_wanted(
    front: socket.socket, matcher: socket.socket, vault: VaultClient, search: bytes, findings: Sequence[Finding]
) -> None:
    """Wait for the matcher's word, and hold the capture if it says so. Whatever goes wrong, nothing is held."""
    with suppress(LimenError):
        with dying_with(front):
            verdict = receive(matcher, Verdict, timeout=VERDICT_SECONDS)
        if verdict.keep and (samples := pictures(findings)):
            epoch, blob = vault.seal(context(search, verdict.country), container.encode(samples))
            send(front, Held(epoch, blob))


def context(search: bytes, country: bytes) -> Context:
    """What a held capture is bound to: the search, in the place of a record, and the country that searched."""
    return Context(Use.FILE, country, search, NO_SAMPLE, 0, 0, b"", 0)


def pictures(findings: Sequence[Finding]) -> list[Sample]:
    """Each picture once, with what was found in it; those that could not be used are not needed."""
    drawn: dict[int, Sample] = {}
    for finding in findings:
        if finding.template is None or finding.image is None or finding.modality is None:
            continue
        if id(finding.image) not in drawn and len(drawn) < MOST_HELD:  # several fingers of a slap share one
            drawn[id(finding.image)] = Sample(
                finding.modality, finding.position, _drawn(finding.image, finding.modality)
            )
    return list(drawn.values())


def _drawn(image: Image, modality: Modality) -> bytes:
    picture, out = Pillow.fromarray(image.pixels), io.BytesIO()
    if modality is Modality.FACE:
        picture.thumbnail((FACE_EDGE, FACE_EDGE), Pillow.Resampling.LANCZOS)
        picture.save(out, "JPEG", quality=FACE_QUALITY)
    else:
        picture.thumbnail((PRINT_EDGE, PRINT_EDGE), Pillow.Resampling.LANCZOS)
        picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
