"""From results to a verdict: thresholds, gates and the comparison of two result folders."""
