"""One measured run, the search for capacity, sampling of costs and the correctness check."""
