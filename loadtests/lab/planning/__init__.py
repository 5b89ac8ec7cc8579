"""What the laboratory measures: arms, remedies and the order of the runs."""
