"""Measurements that are too long for the tests, each a command: ``python -m benchmarks.NAME``."""
