"""The servers and databases of the compared topologies."""
