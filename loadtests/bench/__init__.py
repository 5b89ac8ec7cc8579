"""What the product costs, as ratios to bare floors taken in one run: `python -m loadtests.bench`."""
