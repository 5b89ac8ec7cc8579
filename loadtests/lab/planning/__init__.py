"""The measurement plan: arms, custom remedies and the order of the runs."""
