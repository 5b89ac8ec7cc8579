"""Pages of the operator console that measure: where time goes, and the reports of the laboratory."""
