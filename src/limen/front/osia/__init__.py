"""OSIA's biometrics interface 1.6.0 (ITU-T X.1281) below `/osia/v1`, on the hub's own records and searches.

What each operation does here, and which of them the hub's promises forbid: docs/osia.md.
"""

from limen.front.osia.answers import error_response
from limen.front.osia.routes import BELOW, router

__all__ = ["BELOW", "error_response", "router"]
