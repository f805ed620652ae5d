"""What fields are called, for people who read a file."""

from __future__ import annotations

import nistitl

#: Type-2 of INT-I 6.0; other profiles number other things so.
_INT_I = {
    3: "SYS", 4: "DAR", 5: "DLU", 7: "CNO", 8: "SQN", 9: "MID", 10: "CRN", 11: "ORN", 12: "MN1", 13: "MN2",
    14: "MN3", 15: "MN4", 16: "MN5", 19: "DPR", 23: "OBU", 30: "NAM", 34: "AKA", 35: "DOB", 36: "DBR", 37: "POB",
    38: "NAT", 39: "SEX", 54: "OTY", 55: "DOO", 56: "DOR", 63: "INF", 64: "RLS", 74: "ERM", 75: "FFN", 76: "MMN",
    77: "LMP", 90: "IRN", 91: "NPI", 92: "EXP", 93: "LID", 94: "RDM",
}  # fmt: skip
_TYPE_4 = {1: "LEN", 2: "IDC", 3: "IMP", 4: "FGP", 5: "ISR", 6: "HLL", 7: "VLL", 8: "CGA"}
_TYPE_8 = {1: "LEN", 2: "IDC", 3: "SIG", 4: "SRT", 5: "ISR", 6: "HLL", 7: "VLL"}
_TYPE_9 = {3: "IMP", 4: "FMT", 5: "OFR", 6: "FGP", 7: "FPC", 8: "CRP", 9: "DLT", 10: "MIN", 11: "RDG", 12: "MRC",
           126: "CBI", 127: "CEI", 128: "HLL", 129: "VLL", 130: "SLC", 131: "THPS", 132: "TVPS", 133: "FVW",
           134: "FGP", 135: "FQD", 136: "NOM", 137: "FMD", 300: "ROI", 331: "MIN"}  # fmt: skip


def name(tag: str, profile: str = "int-i") -> str:
    """Mnemonic of a field such as `14.013` (`FGP`); empty if there is none, or Type-2 is of another profile."""
    record_type, _, number = tag.partition(".")
    if not (record_type.isdigit() and number.isdigit()):
        return ""
    kind, field = int(record_type), int(number)
    if kind == 2 and field > 2:
        return _INT_I.get(field, "") if profile == "int-i" else ""
    table = {3: _TYPE_4, 4: _TYPE_4, 5: _TYPE_4, 6: _TYPE_4, 7: {1: "LEN", 2: "IDC"}, 8: _TYPE_8}.get(kind)
    if kind == 9 and field > 2:
        table = _TYPE_9
    return str((table or nistitl.ALIASES.get(kind, {})).get(field, ""))
