"""Open-loop HTTP traffic to one business during a cutover, and the check of every recorded response."""
