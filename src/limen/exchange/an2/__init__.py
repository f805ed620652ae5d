"""ANSI/NIST-ITL 1-2011 (Update 2015), traditional encoding, and its INTERPOL profile (INT-I).

`read` takes a file apart, `samples` finds its faces, fingers, palms and marks, `person_fields` what it says of the
person. Strangers' bytes: to be called only where a crash harms nobody else. `write` and `answer` make files.
"""

from limen.exchange.an2.answers import answer
from limen.exchange.an2.persons import person_fields
from limen.exchange.an2.reading import MAX_BYTES, MAX_RECORDS, read
from limen.exchange.an2.records import Field, Problem, Record, Transaction
from limen.exchange.an2.samples import FileSample, each_sample, plotted, samples
from limen.exchange.an2.writing import Header, image_record, jpeg_size, person_record, portrait_record, write

__all__ = [
    "MAX_BYTES",
    "MAX_RECORDS",
    "Field",
    "FileSample",
    "Header",
    "Problem",
    "Record",
    "Transaction",
    "answer",
    "each_sample",
    "image_record",
    "jpeg_size",
    "person_fields",
    "person_record",
    "plotted",
    "portrait_record",
    "read",
    "samples",
    "write",
]
