"""Measurements, run by hand: ``python -m benchmarks COMMAND``, ``python -m benchmarks.NAME``."""
