"""The scheduling module. Both topologies run it; it does not depend on HTTP, the environment or globals."""
