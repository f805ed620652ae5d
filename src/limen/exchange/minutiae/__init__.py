"""Minutiae templates as other makers exchange them: INCITS 378-2004 and -2009, ISO/IEC 19794-2:2005 and :2011.

`read` and `write` keep every number of a file; `to_template` and `from_templates` convert to and from Limen's own.
ISO/IEC 39794 is not here: docs/decisions/0301.
"""

from limen.exchange.minutiae.codec import read, write
from limen.exchange.minutiae.conversion import from_templates, ppi, to_standard, to_template
from limen.exchange.minutiae.layout import MinutiaeFile, Standard, View

__all__ = ["MinutiaeFile", "Standard", "View", "from_templates", "ppi", "read", "to_standard", "to_template", "write"]
