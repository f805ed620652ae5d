"""How much a message may carry, in bytes and in parts."""

from __future__ import annotations

KIB, MIB = 1 << 10, 1 << 20
CHUNK = 256 * KIB  # a capture travels in chunks of at most this
MAX_CAPTURE = 64 * MIB  # of one search: a face and ten fingers in any format
MAX_TEMPLATE = 40 * KIB  # `RidgeTemplate` of 4,096 minutiae with its header
MAX_BATCH = 4 * MIB  # changes of the gallery that travel together
MAX_SAMPLES = 32  # of one search
MAX_FACES = 16  # of one photo that are told of; the rest are smaller
MAX_MATCHES = 5  # candidates in a decision
MAX_KEYS = 4096  # records' keys in one message
VISIBILITY = 32  # bytes: bitmap over `limen.countries.ORDER`, or all ones
