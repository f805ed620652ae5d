"""The NIEM-conformant (XML) encoding of ANSI/NIST-ITL 1-2011, read into the same records as the traditional one."""

from limen.exchange.niem.reading import looks_like_xml, read

__all__ = ["looks_like_xml", "read"]
