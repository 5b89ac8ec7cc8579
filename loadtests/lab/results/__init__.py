"""The results of the runs: data model, summary of raw rows, and the results folder."""
