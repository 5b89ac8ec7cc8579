"""People who use one business over HTTP at a steady rate, each answer written down: what moves must not disturb."""
