"""Limen: an open biometric hub that finds the wanted, forgets everyone else, and can show both."""

import os

__version__ = "0.1.0"

# onnxruntime (since 1.29) reports to its maker, keeps a device id in the user's home and runs threads of its own unless
# this is set before it is first imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
