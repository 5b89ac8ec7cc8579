"""Metrics of the extraction, which the cutover daemon serves: replication, cutovers, recovery."""
