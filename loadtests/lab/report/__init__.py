"""The laboratory's report: one HTML file that needs nothing else, drawn from results and raw rows."""
