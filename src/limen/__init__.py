"""Limen: an open biometric hub that finds the wanted, forgets everyone else, and can show both."""

__version__ = "0.1.0"
