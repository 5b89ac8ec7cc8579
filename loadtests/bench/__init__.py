"""Benchmarks of the product, as ratios to minimal baselines ("floors") of the same run: `python -m loadtests.bench`."""
