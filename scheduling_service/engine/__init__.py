"""The scheduling module itself. Both topologies run it; it knows no HTTP, no environment and no globals."""
