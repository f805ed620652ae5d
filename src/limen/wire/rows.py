"""The heads of a `GalleryBatch` as columns, for those who pack and read millions of them."""

from __future__ import annotations

import numpy as np

from limen.wire.messages.gallery import BATCH_HEAD
from limen.wire.messages.limits import VISIBILITY

#: `BATCH_HEAD` for numpy, its signed handles as uint64; the fields from `use` on are those that the seal binds.
BATCH_ROW = np.dtype(
    [
        ("record", "<u8"), ("sample", "<u8"), ("visible", "u1", VISIBILITY), ("valid_from", "<u8"),
        ("valid_until", "<u8"), ("epoch", "<u4"), ("length", "<u4"), ("use", "u1"), ("owner", "S3"),
        ("record_id", "V16"), ("sample_id", "V16"), ("modality", "u1"), ("position", "u1"), ("model", "S16"),
        ("expires", "<u8"),
    ]
)  # fmt: skip
assert BATCH_ROW.itemsize == BATCH_HEAD.size
BOUND: int = BATCH_ROW.fields["use"][1]  # type: ignore[index]  # where the bound fields begin
