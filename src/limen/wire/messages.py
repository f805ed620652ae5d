"""Every message between the processes, by channel. Ids are 16 random bytes; times are Unix seconds (uint64).

Countries travel as three ASCII letters (ISO 3166-1 alpha-3), models as 16 ASCII bytes padded with NUL, reasons as a
64-bit mask (`limen.reasons`), record and sample handles as random uint64 that mean nothing outside this hub.
"""

from __future__ import annotations

from dataclasses import dataclass

from limen import errors
from limen.wire.frame import Message

KIB, MIB = 1 << 10, 1 << 20
CHUNK = 256 * KIB  # a capture travels in chunks of at most this
MAX_CAPTURE = 64 * MIB  # of one search: a face and ten fingers in any format
MAX_TEMPLATE = 40 * KIB  # `RidgeTemplate` of 4,096 minutiae with its header
MAX_SAMPLES = 32  # of one search
MAX_FACES = 16  # of one photo that are told of; the rest are smaller
MAX_MATCHES = 5  # candidates in a decision
MAX_KEYS = 4096  # records' keys in one message
VISIBILITY = 32  # bytes: bitmap over `limen.countries.ORDER`, or all ones

_FAILURES: dict[int, type[errors.LimenError]] = {
    1: errors.LimenError,
    2: errors.BadInput,
    3: errors.BadImage,
    4: errors.BadFile,
    5: errors.BadTemplate,
    6: errors.BadMessage,
    7: errors.Refused,
    8: errors.NotAllowed,
    9: errors.NotFound,
    10: errors.Unavailable,
    11: errors.KeyUnavailable,
    12: errors.Damaged,
}


@dataclass(frozen=True)
class Failed(Message, kind=1, layout="B", tail=400):
    """The request could not be served: error class, and a sentence without content (UTF-8)."""

    failure: int
    tail: bytes

    @classmethod
    def of(cls, error: errors.LimenError) -> Failed:
        """The message that carries this error."""
        code = next((c for c, t in _FAILURES.items() if type(error) is t), 1)
        return cls(code, str(error).encode()[:400])

    def error(self) -> errors.LimenError:
        """The error to raise on the other side."""
        return _FAILURES.get(self.failure, errors.LimenError)(self.tail.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Done(Message, kind=2):
    """Done; nothing else to say."""


# --- front or importer to a worker: the bytes of a capture or file (opener-probe.sock, opener-enrol.sock) ---


@dataclass(frozen=True)
class Chunk(Message, kind=10, tail=CHUNK):
    """Next bytes."""

    tail: bytes


@dataclass(frozen=True)
class End(Message, kind=11, layout="Q"):
    """All bytes are sent: their total. Closing the connection without it aborts, and nothing is processed."""

    total: int


# --- front to a probe worker (opener-probe.sock) ---


@dataclass(frozen=True)
class ProbeJob(Message, kind=20, layout="16sQ"):
    """Take this search. The worker answers with `Offer`."""

    search: bytes
    expires: int


@dataclass(frozen=True)
class Offer(Message, kind=21, layout="16s32s32sQ64s"):
    """A worker's one-time key: X25519 public key, vouched for by the hub's Ed25519 identity (`capture.offer`)."""

    search: bytes
    nonce: bytes
    public_key: bytes
    expires: int
    signature: bytes


@dataclass(frozen=True)
class CaptureStart(Message, kind=22, layout="BB"):
    """A capture follows as Chunk... End.

    form: 1 sealed container, 2 plain container, 4 one ANSI/NIST-ITL file (reserved: 1 if it is sealed), 5 OSIA's JSON
    (reserved: 0 of an identification, 1 of a verification); 3, one plain image, has `PlainImage`.
    """

    form: int
    reserved: int


@dataclass(frozen=True)
class PlainImage(Message, kind=23, layout="BBB"):
    """Instead of CaptureStart for form 3: what the one image is said to be, and which face of it is meant (0: any)."""

    modality: int
    position: int
    face: int = 0


@dataclass(frozen=True)
class DeviceKey(Message, kind=28, layout="32s68s"):
    """Before CaptureStart: which registered device the capture is said to come from (`capture.device`).

    name: `COUNTRY/NAME`, ASCII, NUL-padded. The worker answers the capture with DeviceSaid, and works on it only after
    a Done; hanging up instead ends the search with nothing processed.
    """

    public_key: bytes
    name: bytes


@dataclass(frozen=True)
class DeviceSaid(Message, kind=29, layout="BQQ"):
    """What the capture's device signature says. verdict: 1 good, 2 there is none, 3 bad, 4 the device's clock is off.

    counter, time: as signed, if good; 0 otherwise.
    """

    verdict: int
    counter: int
    time: int


@dataclass(frozen=True)
class Report(Message, kind=24, layout="BBQ", tail=16 * MAX_SAMPLES):
    """What became of the capture, without content. The tail holds `count` SampleReports of 16 bytes.

    outcome: 1 templates went to the matcher, 2 no sample was usable, 3 the capture could not be opened, 4 it asks for
    what the hub does not do.
    """

    outcome: int
    count: int
    reasons: int
    tail: bytes


@dataclass(frozen=True)
class FacesSeen(Message, kind=26, layout="BBB", tail=8 * MAX_FACES):
    """Before the Report, for each photo with several faces: where they are, largest first, so that one can be chosen.

    sample: the photo's place in the report; chosen: which face was searched, from 1, 0 for none; count: of the boxes of
    8 bytes in the tail (`wire.parts.FaceBox`).
    """

    sample: int
    chosen: int
    count: int
    tail: bytes


@dataclass(frozen=True)
class FileHead(Message, kind=25, layout="16s64s64s64s16s"):
    """Before the Report on a file (form 4): what the answer, a file too, must repeat. Printable ASCII, NUL-padded.

    For OSIA's JSON (form 5) it says nothing but that the request is in order, before the work begins.

    transaction: type (1.004); origin: agency (1.008); control: number (1.009); domain, version: profile (1.013).
    """

    transaction: bytes
    origin: bytes
    control: bytes
    domain: bytes
    version: bytes


@dataclass(frozen=True)
class Held(Message, kind=27, layout="I", tail=MAX_CAPTURE + 2 * MIB):
    """After the Report, at the matcher's word (`Verdict`): the capture, sealed for those who must verify the hit.

    epoch: of the searching country's key; tail: the sealed blob (`opener.holding.context`).
    """

    epoch: int
    tail: bytes


# --- a probe worker to the matcher (matcher-probe.sock) ---


@dataclass(frozen=True)
class ProbeBegin(Message, kind=30, layout="16sB"):
    """Templates of a search follow: how many."""

    search: bytes
    count: int


@dataclass(frozen=True)
class ProbeTemplate(Message, kind=31, layout="BB", tail=MAX_TEMPLATE):
    """One packed `FaceTemplate` or `RidgeTemplate`. The matcher answers the last one with Done, and later a Verdict."""

    modality: int
    position: int
    tail: bytes


@dataclass(frozen=True)
class Verdict(Message, kind=32, layout="B3s"):
    """The matcher's word to the worker once it has decided: keep 1: hold the capture for the country that searched."""

    keep: int
    country: bytes


# --- front to the matcher (matcher-front.sock) ---


@dataclass(frozen=True)
class Expect(Message, kind=40, layout="16s3sBIB16s"):
    """A probe will come for this search, on behalf of this country. The matcher answers Decision, in any order.

    flags: 1 the purpose forbids showing face-only leads (reserved, 0 today). asker: a name that the front made up for
    whoever asks, or zeros; the matcher counts by it how often the same record is nearly found (`matcher.again`).
    """

    search: bytes
    country: bytes
    purpose: int
    timeout_ms: int
    flags: int
    asker: bytes = bytes(16)


@dataclass(frozen=True)
class Forget(Message, kind=41, layout="16s"):
    """No probe will come for this search after all; what is held of it is wiped. No answer."""

    search: bytes


@dataclass(frozen=True)
class Decision(Message, kind=42, layout="16sBBQIII", tail=24 * MAX_MATCHES):
    """The matcher's answer. The tail holds `count` Matches of 24 bytes, strongest first.

    answer: `limen.terms.Answer.wire`; reasons: mask; records, samples: how many were searched; micros: time taken.
    """

    search: bytes
    answer: int
    count: int
    reasons: int
    records: int
    samples: int
    micros: int
    tail: bytes


@dataclass(frozen=True)
class Noticed(Message, kind=43, layout="16sI"):
    """The matcher noticed that one asker nearly finds the same record again and again; not which, nor how nearly.

    asker: as in Expect; count: how often within the last hour.
    """

    asker: bytes
    count: int


@dataclass(frozen=True)
class UnsolvedAsk(Message, kind=48, tail=MAX_TEMPLATE + 2 * KIB):
    """A reference that is new, the body of a `GalleryPut`: which unsolved marks may be of it (of a mark: which prints)?

    It is compared and not kept. The matcher answers UnsolvedFound.
    """

    tail: bytes


@dataclass(frozen=True)
class UnsolvedFound(Message, kind=49, layout="QB", tail=24 * MAX_MATCHES):
    """Records of the marks (or prints) that may belong to a new sample: `count` Matches, strongest first."""

    sample: int
    count: int
    tail: bytes


@dataclass(frozen=True)
class GalleryPut(Message, kind=50, layout="QQ3s32sQQBBI16s16s16sQ", tail=MAX_TEMPLATE + KIB):
    """Add or replace one reference: the sealed template and all that its associated data binds.

    record, sample: handles; owner; visible: bitmap of countries; valid_from, valid_until: seconds; modality; position;
    epoch: of the data key; model; record_id, sample_id: UUIDs bound into the seal; expires: bound into the seal.
    """

    record: int
    sample: int
    owner: bytes
    visible: bytes
    valid_from: int
    valid_until: int
    modality: int
    position: int
    epoch: int
    model: bytes
    record_id: bytes
    sample_id: bytes
    expires: int
    tail: bytes


@dataclass(frozen=True)
class GalleryWithdraw(Message, kind=51, layout="QQ"):
    """Remove one sample of a record, or (sample 0) the whole record."""

    record: int
    sample: int


@dataclass(frozen=True)
class GalleryReset(Message, kind=52):
    """Forget the whole gallery; a full feed follows."""


@dataclass(frozen=True)
class GalleryMark(Message, kind=53, layout="QB"):
    """All changes up to this sequence number were sent; the matcher echoes it when they are in force.

    complete: 1 once the first full feed has ended; until then answers carry `gallery-incomplete`.
    """

    sequence: int
    complete: int


@dataclass(frozen=True)
class StatusAsk(Message, kind=54):
    """How is the gallery?"""


@dataclass(frozen=True)
class Status(Message, kind=55, layout="IIIIIIQQ"):
    """The gallery's size and state; never anything about single records."""

    records: int
    faces: int
    fingers: int
    palms: int
    marks: int
    rejected: int  # templates that did not open or unpack
    memory: int  # bytes held by the gallery
    sequence: int


@dataclass(frozen=True)
class EvidenceAsk(Message, kind=56):
    """How strong was the strongest candidate of each search, in counts? Answer: EvidenceCounts."""


@dataclass(frozen=True)
class EvidenceCounts(Message, kind=57, layout="Q", tail=2 * KIB):
    """Searches counted by kind of probe and nats of their strongest candidate (`matcher.watch`). Names no search.

    searches: how many are counted; the tail holds uint64 counts, a row of bins for each kind of probe.
    """

    searches: int
    tail: bytes


# --- to the vault ---

SEAL_CONTEXT = "B3s16s16sBB16sQ"


@dataclass(frozen=True)
class Seal(Message, kind=60, layout=SEAL_CONTEXT, tail=MAX_CAPTURE + MIB):
    """Seal the tail for a country. All fixed fields are bound as associated data (`vault.seal.Context`).

    use: 1 template, 2 sample (image, portrait), 3 personal fields, 4 file. The vault answers Sealed.
    Workers may seal 1, 2 and 4; the front 2, 3 and 4.
    """

    use: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    model: bytes
    expires: int
    tail: bytes


@dataclass(frozen=True)
class Sealed(Message, kind=61, layout="I", tail=MAX_CAPTURE + 2 * MIB):
    """A sealed blob, and the epoch of its data key."""

    epoch: int
    tail: bytes


@dataclass(frozen=True)
class Unseal(Message, kind=62, layout=SEAL_CONTEXT, tail=MAX_CAPTURE + 2 * MIB):
    """Open a blob (front only, never use 1). The vault answers Unsealed."""

    use: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    model: bytes
    expires: int
    tail: bytes


@dataclass(frozen=True)
class Unsealed(Message, kind=63, tail=MAX_CAPTURE + MIB):
    """What was sealed."""

    tail: bytes


@dataclass(frozen=True)
class TemplateKeysAsk(Message, kind=64, layout="3sI16sI"):
    """The matcher asks for the template keys of a record of a country's epoch, and of `count - 1` stored after it."""

    country: bytes
    epoch: int
    record: bytes
    count: int


@dataclass(frozen=True)
class TemplateKeys(Message, kind=65, tail=48 * MAX_KEYS):
    """Records' UUIDs (16 bytes), each with the AES-256 key of its templates (use 1) of that epoch."""

    tail: bytes


@dataclass(frozen=True)
class SignOffer(Message, kind=66, layout="16s32s32sQ"):
    """A worker asks the hub's identity to vouch for its one-time key. Answer: Signature."""

    search: bytes
    nonce: bytes
    public_key: bytes
    expires: int


@dataclass(frozen=True)
class SignReceipt(Message, kind=67, tail=64 * KIB):
    """The front asks for a signature under a receipt or checkpoint. Answer: Signature."""

    tail: bytes


@dataclass(frozen=True)
class Signature(Message, kind=68, layout="64s"):
    """Ed25519, by the hub's identity."""

    signature: bytes


@dataclass(frozen=True)
class IdentityAsk(Message, kind=69):
    """The hub's public key? Answer: Identity."""


@dataclass(frozen=True)
class Identity(Message, kind=70, layout="32s"):
    """The hub's Ed25519 public key."""

    public_key: bytes


@dataclass(frozen=True)
class CountriesAsk(Message, kind=71):
    """Which countries' keys are there? Answer: Countries."""


@dataclass(frozen=True)
class Countries(Message, kind=72, tail=4 * 256):
    """Three ASCII letters and one byte a country: 1 its key is there, 0 it is not (taken back, or its token gone)."""

    tail: bytes


@dataclass(frozen=True)
class Shred(Message, kind=73, layout="3s", tail=16 * MAX_KEYS):
    """Destroy the keys of these records (UUIDs): what was sealed for them never opens again. Answer: Done."""

    country: bytes
    tail: bytes


@dataclass(frozen=True)
class Reseal(Message, kind=74, layout=SEAL_CONTEXT, tail=MAX_CAPTURE + 2 * MIB):
    """Seal a blob anew with its country's present epoch; what is in it stays in the vault. Answer: Sealed."""

    use: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    model: bytes
    expires: int
    tail: bytes


@dataclass(frozen=True)
class KeyCommand(Message, kind=75, layout="B3sI", tail=64 * KIB):
    """What an operator or a country does with keys (`vault.commands`); the tail is CBOR. Answer: KeyAnswer."""

    verb: int
    country: bytes
    epoch: int
    tail: bytes


@dataclass(frozen=True)
class KeyAnswer(Message, kind=76, tail=MIB):
    """What became of it, as CBOR."""

    tail: bytes


@dataclass(frozen=True)
class PseudonymKeyAsk(Message, kind=77):
    """Which key seals the ledger's pseudonyms? Answer: PseudonymKey."""


@dataclass(frozen=True)
class PseudonymKey(Message, kind=78, layout="32s"):
    """X25519 public key (`ledger.pseudonym`)."""

    public_key: bytes


# --- importer or front to an enrolment worker (opener-enrol.sock) ---


@dataclass(frozen=True)
class EnrolJob(Message, kind=80, layout="B3s16s16sBBHQB"):
    """One image or file to enrol follows as Chunk... End.

    what: 1 an image, 2 an ANSI/NIST-ITL file, 3 an OSIA encounter (JSON); country; record, sample: UUIDs (of a file or
    encounter: its own id, from which those of its samples follow); modality, position: what the image is said to be (0
    for others); ppi: 0 = as the file says;
    expires: bound into the seals; flags: 1 = keep the original bytes, sealed.
    The worker answers Enrolled (one a sample), for files also Fields (one), then Done; or Failed, after which nothing
    that came before counts.
    """

    what: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    ppi: int
    expires: int
    flags: int


@dataclass(frozen=True)
class Enrolled(Message, kind=81, layout="16sBBB16sBQHHHHHIIII", tail=MAX_CAPTURE + 4 * MIB):
    """One sample, sealed for its country. The tail is template, portrait and original, of the stated lengths.

    usable: 1 template is there, 0 it is not (reasons say why); minutiae: how many are clear; area: of skin with ridges,
    mm2 (0: unknown); width, height in pixels (0: could not be decoded);
    ppi (0 unknown). Each part is sealed under the job's country, record and expiry with this message's sample, modality
    and position: template as use 1 with `model`, portrait as use 2, original as use 4, both with an empty model.
    A file that is to be kept comes as one more Enrolled of modality 0, with the job's sample and only an original; so
    does, after its fingers, the image of a slap, with its own modality and position. An image's last has the job's
    sample.
    """

    sample: bytes
    modality: int
    position: int
    usable: int
    model: bytes
    quality: int
    reasons: int
    minutiae: int
    area: int
    width: int
    height: int
    ppi: int
    epoch: int
    template_length: int
    portrait_length: int
    original_length: int
    tail: bytes

    def blobs(self) -> tuple[bytes, bytes, bytes]:
        """Sealed template, portrait, original; empty where there is none. `BadMessage` if lengths do not add up."""
        first, second = self.template_length, self.template_length + self.portrait_length
        if second + self.original_length != len(self.tail):
            raise errors.BadMessage("Enrolled: the parts' lengths do not add up.")
        return self.tail[:first], self.tail[first:second], self.tail[second:]


@dataclass(frozen=True)
class Fields(Message, kind=82, tail=MIB):
    """What a file says, CBOR: {"person": `exchange.an2.person_fields`, "problems": [[record, field, message]...]}."""

    tail: bytes
