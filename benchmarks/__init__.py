"""Measurements that docs/benchmarks.md publishes; run from the root of the checkout, or by ``make bench``."""
