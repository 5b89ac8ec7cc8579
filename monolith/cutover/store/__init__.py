"""The SQL of the control plane."""
