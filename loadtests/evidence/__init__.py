"""Evidence from an application that runs: which module is the bottleneck, of what, who suffers, what to try first."""
