"""Measurements beside other programs: `python -m benchmarks`."""
