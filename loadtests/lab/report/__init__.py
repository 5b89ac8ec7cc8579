"""The laboratory's report: one self-contained HTML file, rendered from results and raw rows."""
